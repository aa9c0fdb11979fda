/** Schema of zod, or of another library that follows https://standardschema.dev. */
export interface EventSchema {
  readonly "~standard": {
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
  };
}

/** Schemas of the data of a room's events, by event. */
export type EventSchemas = Readonly<Record<string, EventSchema>>;

type TypesOf<Schema extends EventSchema> = NonNullable<Schema["~standard"]["types"]>;

/** Data that may be published, by event: the first type of `connect`. */
export type InputOf<Events extends EventSchemas> = {
  [Name in keyof Events]: TypesOf<Events[Name]>["input"];
};

/** Data that arrives, by event: the second type of `connect`. */
export type OutputOf<Events extends EventSchemas> = {
  [Name in keyof Events]: TypesOf<Events[Name]>["output"];
};
