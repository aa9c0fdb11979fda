import type { ZodMiniType } from "zod/mini";
import type { ErrorDetails } from "../../../../protocol/error_codes.ts";
import { FrameId } from "../../schemas/client_frames.ts";

/** A parsed frame, or the details of its `invalid_frame`. */
export type ParsedFrame<Frame> =
  | { readonly frame: Frame; readonly problem?: undefined }
  | { readonly frame?: undefined; readonly problem: ErrorDetails };

/** Validates a frame. */
export function parseFrame<Frame>(schema: ZodMiniType<Frame>, value: unknown): ParsedFrame<Frame> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { frame: parsed.data };
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") || undefined;
  const message = isObject(value) && issue
    ? `${field ?? "The frame"} ${issue.message}`
    : "A frame is a JSON object with a type.";
  return { problem: { message, id: idOf(value), field } };
}

/** The id of an invalid frame, if it has one. */
export function idOf(value: unknown): string | undefined {
  const id = isObject(value) && "id" in value ? FrameId.safeParse(value.id) : undefined;
  return id?.success ? id.data : undefined;
}

/** True for a JSON object. */
function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
