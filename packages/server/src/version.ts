/** The version of this function, told by `GET /realtime`, `/realtime/health` and the logs. */
export const VERSION = "0.1.0";
