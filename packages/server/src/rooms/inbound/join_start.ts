import * as errors from "../../schemas/field_errors.ts";

/** Start of the messages that a member wants, as its fields give it. */
export interface Start {
  readonly after?: number;
  readonly epoch?: string;
  readonly connection?: string;
  readonly history?: number;
}

/** A field that does not go with the others. */
export interface StartFault {
  readonly field: keyof Start;
  readonly text: string;
}

/** Start with the fields that are given. */
export function startOf(
  { after, epoch, connection, history }: { readonly [Name in keyof Start]: Start[Name] | undefined },
): Start {
  return {
    ...after === undefined ? {} : { after },
    ...epoch === undefined ? {} : { epoch },
    ...connection === undefined ? {} : { connection },
    ...history === undefined ? {} : { history },
  };
}

/** Finds the first field that does not go with the others (docs/protocol.md, rule 6.5). */
export function findStartFault({ after, epoch, connection, history }: Start): StartFault | undefined {
  // An empty epoch stands for the start of whatever history there is.
  if (epoch === "" && after !== undefined && after !== 0) {
    return { field: "epoch", text: errors.EMPTY_EPOCH_ERROR };
  }
  if (after !== undefined && epoch === undefined) return { field: "epoch", text: errors.EPOCH_NEEDED_ERROR };
  if (epoch !== undefined && after === undefined) return { field: "after", text: errors.AFTER_NEEDED_ERROR };
  if (connection !== undefined && after === undefined) {
    return { field: "connection", text: errors.CONNECTION_ERROR };
  }
  if (history !== undefined && after !== undefined) {
    return { field: "history", text: errors.HISTORY_AND_AFTER_ERROR };
  }
}
