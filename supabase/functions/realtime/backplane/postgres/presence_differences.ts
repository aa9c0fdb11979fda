export { differences } from "../presence_differences.ts";
