import { isObject } from "../../schemas/json_object.ts";
import { MAX_JSON_DEPTH } from "../../../../protocol/limits.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { type ClientFrame, unreadable, type Version } from "./frame.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Decodes a text frame: an object with serializer 1.0.0, an array of five with 2.0.0. */
export function decodeText(text: string, version: Version): ClientFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return unreadable("The text is not JSON");
  }
  if (isDeeperThan(value, MAX_JSON_DEPTH)) {
    return unreadable(`The text is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  if (version === "2.0.0") {
    if (!Array.isArray(value)) return unreadable("The text is not an array, as serializer 2.0.0 needs it");
    const [join_ref, ref, topic, event, payload] = value;
    return frameOf({ join_ref, ref, topic, event, payload });
  }
  return isObject(value)
    ? frameOf(value)
    : unreadable("The text is not an object, as serializer 1.0.0 needs it");
}

function frameOf({ join_ref, ref, topic, event, payload }: Fields): ClientFrame {
  if (typeof topic !== "string") return unreadable("`topic` is not text");
  if (typeof event !== "string") return unreadable("`event` is not text");
  const addressed = { joinRef: reference(join_ref), ref: reference(ref), topic };
  const fields = isObject(payload) ? payload : {};
  const name = fields["event"];
  if (event !== "broadcast" || typeof name !== "string") {
    return { kind: "push", ...addressed, event, payload: fields };
  }
  const data = JSON.stringify(fields["payload"] ?? {});
  return { kind: "broadcast", ...addressed, event: name, data, persist: wantsPersist(fields["persist"]) };
}

/** True for `true`, and for a time to live. */
export function wantsPersist(value: unknown): boolean {
  return value === true || isObject(value);
}

/** References are decimal text; some clients send numbers. */
function reference(value: unknown): string | null {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : null;
}
