const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MILLISECOND = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** Such as 12:04, of milliseconds since 1970. */
export function minuteText(at: number): string {
  return MINUTE.format(at);
}

/** Such as 12:04:31.120, of milliseconds since 1970. */
export function millisecondText(at: number): string {
  return MILLISECOND.format(at);
}
