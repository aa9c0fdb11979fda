/** fast-check as tests import it, with the exports of property_runs.ts. */
export * from "./property_runs.ts";
export * as default from "./property_runs.ts";
