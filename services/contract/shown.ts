/**
 * A text that somebody else wrote, in quotes and safe to print: what a terminal, a log or a page
 * might act upon (control and formatting characters, line separators) stands there as `\uNNNN`.
 * @param limit characters after which it is cut; its full length is then told
 */
export function shown(text: string, limit = 80): string {
  const quoted = JSON.stringify(text.slice(0, limit)).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped)
  return text.length <= limit ? quoted : `${quoted}… (${text.length} characters)`
}

function escaped(character: string): string {
  return character
    .split('')
    .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
