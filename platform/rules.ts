import { invalid, type UserErrorData } from './errors.ts';

/** Length limits in Unicode code points, after trimming. */
export interface TextLimits {
  readonly minChars?: number;
  readonly maxChars: number;
}

// Control characters other than tab and line breaks, lone surrogates (which cannot be stored as UTF-8), and overrides of the direction of writing: with
// them a name reads as another one, and so does what stands beside it. Text that runs from right to left needs none.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202d\u202e]|\p{Surrogate}/u;
/** What nobody sees. */
const INVISIBLE = /[\p{White_Space}\p{Default_Ignorable_Code_Point}]/gu;

/** Every rule that `text` breaks; an empty list where it is fine. */
export function checkText(
  field: string,
  text: string,
  { minChars = 0, maxChars }: TextLimits,
): UserErrorData[] {
  const chars = text.replace(INVISIBLE, '') === '' ? 0 : [...text.trim()].length;
  if (FORBIDDEN.test(text))
    return [invalid(field, 'INVALID_CHARACTERS', 'Control characters are not allowed.')];
  if (chars < minChars) {
    const message =
      minChars === 1 ? 'This must not be empty.' : `At least ${minChars} characters are needed.`;
    return [invalid(field, chars === 0 ? 'REQUIRED' : 'TOO_SHORT', message)];
  }
  return chars > maxChars ? [invalid(field, 'TOO_LONG', `At most ${maxChars} characters are allowed.`)] : [];
}

/** As checkText, for a text that may be left out. */
export function checkOptionalText(
  field: string,
  text: string | null | undefined,
  limits: TextLimits,
): UserErrorData[] {
  return text == null ? [] : checkText(field, text, limits);
}

/** A number must lie within `min` and `max`, both allowed. */
export function checkRange(field: string, value: number, min: number, max: number): UserErrorData[] {
  const fits = Number.isFinite(value) && value >= min && value <= max;
  return fits ? [] : [invalid(field, 'OUT_OF_RANGE', `This must be between ${min} and ${max}.`)];
}
