/** Severity of an event. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Fields of an event; undefined ones are left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;
