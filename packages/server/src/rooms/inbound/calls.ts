import type { CallFrame } from "../../../../protocol/frames.ts";
import { MAX_JSON_DEPTH } from "../../../../protocol/limits.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { parseSchema } from "../../schemas/parse_schema.ts";
import type { RoomDeps } from "../room_deps.ts";
import { dataText } from "../server_code/check_arguments.ts";
import { type FailingMember, hookError } from "../server_code/hook_failure.ts";
import type { Method, RoomCode, RoomContext } from "../server_code/room_code.ts";
import { withinTime } from "../server_code/within_time.ts";
import type { Member } from "../member.ts";

/** Largest result of a call, in bytes: as a page of history. */
const MAX_RESULT_BYTES = 262_144;

/** Input that does not fit the method's schema. */
class WrongInput extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

/** The member that calls. */
export type Caller = FailingMember & Pick<Member, "reply">;

/** Dependencies of calls. */
export type CallDeps = Pick<RoomDeps, "limits" | "log">;

/**
 * Runs the calls of one member, beside each other. A call counts until its handler settles, also
 * after it was answered with `timeout`.
 */
export class Calls {
  readonly #member: Caller;
  readonly #context: RoomContext | undefined;
  readonly #methods: RoomCode["methods"] | undefined;
  readonly #deps: CallDeps;
  #underWay = 0;

  constructor(
    member: Caller,
    context: RoomContext | undefined,
    methods: RoomCode["methods"] | undefined,
    deps: CallDeps,
  ) {
    this.#member = member;
    this.#context = context;
    this.#methods = methods;
    this.#deps = deps;
  }

  /** Starts a call; its answer comes when it is done. */
  call({ id, method: name, data }: CallFrame): void {
    const method = this.#methods?.get(name);
    if (!method || !this.#context) {
      const known = [...this.#methods?.keys() ?? []].join(", ");
      return this.#member.error("invalid_frame", {
        id,
        field: "method",
        message: known ? `method must be one of ${known}` : "This room has no methods.",
      });
    }
    if (this.#underWay >= this.#deps.limits.max_calls) {
      return this.#member.error("rate_limited", {
        id,
        message: "Too many calls are under way. Wait for one.",
      });
    }
    this.#underWay += 1;
    void this.#answer(name, id, this.#run(method, data, this.#context));
  }

  /** Resolves with the result as JSON text; undefined if the method returns nothing. */
  async #run(method: Method, data: unknown, context: RoomContext): Promise<string | undefined> {
    try {
      if (isDeeperThan(data, MAX_JSON_DEPTH)) {
        throw new WrongInput("data", `data is nested deeper than ${MAX_JSON_DEPTH} levels`);
      }
      const input = await parseSchema(method.input, data);
      if (input.issue) {
        const field = ["data", ...input.issue.path].map(String).join(".");
        throw new WrongInput(field, `${field}: ${input.issue.message}`);
      }
      const result = await parseSchema(method.output, await method.handler(input.value, context));
      if (result.issue) {
        const field = ["data", ...result.issue.path].map(String).join(".");
        throw new TypeError(`The result does not fit the output schema. ${field}: ${result.issue.message}`);
      }
      return result.value === undefined ? undefined : dataText(result.value, MAX_RESULT_BYTES);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Never rejects. */
  async #answer(name: string, id: string, running: Promise<string | undefined>): Promise<void> {
    const member = this.#member;
    try {
      const data = await withinTime(running, this.#deps.limits.hook_timeout_ms);
      member.reply(
        `{"type":"result","id":${JSON.stringify(id)}${data === undefined ? "" : `,"data":${data}`}}`,
      );
    } catch (error) {
      if (error instanceof WrongInput) {
        return member.error("invalid_frame", { id, field: error.field, message: error.message });
      }
      const { code, details } = hookError({ hook: name, error, member }, this.#deps.log);
      member.error(code, { ...details, id });
    }
  }
}
