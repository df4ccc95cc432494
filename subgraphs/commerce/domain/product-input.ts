import { invalid, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import { checkOptionalText, checkRange, checkText } from '#platform/rules.ts';
import { parseAmount, requireAmount, requireCurrency, type Currency } from './money.ts';
import { MAX_STOCK, type LicenceTerms, type Product, type ProductKind, type Variant } from './product.ts';

export interface TermsInput {
  readonly name: string;
  readonly exclusive?: boolean | null;
  readonly territory?: string | null;
  readonly streaming?: boolean | null;
  readonly maxCopies?: number | null;
}

export interface VariantInput {
  readonly sku: string;
  readonly title: string;
  readonly price: string;
  readonly stock?: number | null;
  readonly licence?: TermsInput | null;
}

export interface ProductInput {
  readonly title: string;
  readonly description?: string | null;
  readonly kind: ProductKind;
  readonly trackId?: string | null;
  readonly currency: string;
  readonly variants: readonly VariantInput[];
}

export interface ProductChanges {
  readonly title?: string | null;
  readonly description?: string | null;
  readonly variants?:
    readonly { readonly id: string; readonly title?: string | null; readonly price?: string | null }[] | null;
  readonly addVariants?: readonly VariantInput[] | null;
}

/** A variant that has passed the rules and has no id yet. */
export type AcceptedVariant = Omit<Variant, 'id' | 'productId'>;

export interface AcceptedProduct extends Pick<
  Product,
  'title' | 'description' | 'kind' | 'trackId' | 'currency'
> {
  readonly variants: readonly AcceptedVariant[];
}

export interface AcceptedChanges extends Pick<Product, 'title' | 'description'> {
  readonly changed: readonly Variant[];
  readonly added: readonly AcceptedVariant[];
}

const MAX_TITLE_CHARS = 120;
const MAX_DESCRIPTION_CHARS = 5_000;
const MAX_VARIANT_TITLE_CHARS = 80;
const MAX_TERMS_CHARS = 60;
const MAX_VARIANTS = 20;
const MAX_COPIES = 1_000_000_000;
const MAX_PRICE = '1000000';
const SKU = /^[A-Za-z0-9._-]{1,40}$/;
const TERRITORY = /^([A-Z]{2}|WORLD)$/;
const PERSONAL_USE: TermsInput = { name: 'Personal use' };

/** The product with defaults filled in. Refuses with every broken rule at once. */
export function acceptProduct(input: ProductInput): AcceptedProduct {
  const currency = requireCurrency('input.currency', input.currency);
  const checked = input.variants.map((variant, index) =>
    checkVariant(`input.variants.${index}`, variant, currency),
  );
  refuseIfAny([
    ...checkText('input.title', input.title, { minChars: 1, maxChars: MAX_TITLE_CHARS }),
    ...checkOptionalText('input.description', input.description, { maxChars: MAX_DESCRIPTION_CHARS }),
    ...checkVariantCount('input.variants', input.variants.length),
    ...checkSkus('input.variants', input.variants),
    ...checked.flatMap(({ errors }) => errors),
  ]);
  return {
    title: input.title.trim(),
    description: input.description?.trim() || null,
    kind: input.kind,
    trackId: input.trackId ?? null,
    currency,
    variants: checked.map(({ variant }) => variant),
  };
}

/** The product after `changes`: what is left out stays. Refuses with every broken rule at once. */
export function acceptChanges(
  product: Product,
  variants: readonly Variant[],
  changes: ProductChanges,
): AcceptedChanges {
  const added = (changes.addVariants ?? []).map((variant, index) =>
    checkVariant(`input.addVariants.${index}`, variant, product.currency),
  );
  const changed = (changes.variants ?? []).map((change, index) =>
    changeVariant(`input.variants.${index}`, variants, change),
  );
  refuseIfAny([
    ...(changes.title === null ? [invalid('input.title', 'REQUIRED', 'A title cannot be cleared.')] : []),
    ...checkOptionalText('input.title', changes.title, { minChars: 1, maxChars: MAX_TITLE_CHARS }),
    ...checkOptionalText('input.description', changes.description, { maxChars: MAX_DESCRIPTION_CHARS }),
    ...checkVariantCount('input.addVariants', variants.length + added.length),
    ...checkSkus('input.addVariants', [...variants, ...added.map(({ variant }) => variant)]),
    ...checkOnce(changes.variants ?? []),
    ...[...added, ...changed].flatMap(({ errors }) => errors),
  ]);
  const { description } = changes;
  return {
    title: changes.title?.trim() ?? product.title,
    description: description === undefined ? product.description : description?.trim() || null,
    changed: changed.flatMap(({ variant }) => variant ?? []),
    added: added.map(({ variant }) => variant),
  };
}

function checkVariant(
  field: string,
  input: VariantInput,
  currency: Currency,
): { variant: AcceptedVariant; errors: UserErrorData[] } {
  const { sku, title, stock = null, licence } = input;
  const terms = termsOf(licence ?? PERSONAL_USE);
  const price = checkPrice(`${field}.price`, input.price, currency);
  const errors = [
    ...(SKU.test(sku) ? [] : [invalid(`${field}.sku`, 'MALFORMED_SKU', 'Use 1 to 40 of A-Z a-z 0-9 . _ -')]),
    ...checkText(`${field}.title`, title, { minChars: 1, maxChars: MAX_VARIANT_TITLE_CHARS }),
    ...(stock === null ? [] : checkRange(`${field}.stock`, stock, 0, MAX_STOCK)),
    ...checkTerms(`${field}.licence`, terms),
    ...price.errors,
  ];
  const amount = { amountMinor: price.amountMinor, currency };
  return {
    variant: { sku, title: title.trim(), price: amount, terms, stock: terms.exclusive ? 1 : stock },
    errors,
  };
}

function changeVariant(
  field: string,
  variants: readonly Variant[],
  change: { readonly id: string; readonly title?: string | null; readonly price?: string | null },
): { variant: Variant | null; errors: UserErrorData[] } {
  const variant = variants.find(({ id }) => id === change.id);
  if (!variant)
    return {
      variant: null,
      errors: [invalid(`${field}.id`, 'UNKNOWN_VARIANT', 'The product has no such variant.')],
    };
  const { currency } = variant.price;
  const price = change.price == null ? null : checkPrice(`${field}.price`, change.price, currency);
  const limits = { minChars: 1, maxChars: MAX_VARIANT_TITLE_CHARS };
  return {
    variant: {
      ...variant,
      title: change.title?.trim() ?? variant.title,
      price: price ? { amountMinor: price.amountMinor, currency } : variant.price,
    },
    errors: [...checkOptionalText(`${field}.title`, change.title, limits), ...(price?.errors ?? [])],
  };
}

function checkPrice(
  field: string,
  text: string,
  currency: Currency,
): { amountMinor: bigint; errors: UserErrorData[] } {
  const amountMinor = parseAmount(field, text, currency);
  if (typeof amountMinor !== 'bigint') return { amountMinor: 0n, errors: [amountMinor] };
  const most = requireAmount(field, MAX_PRICE, currency);
  const fits = amountMinor > 0n && amountMinor <= most;
  return {
    amountMinor,
    errors: fits ? [] : [invalid(field, 'OUT_OF_RANGE', `A price is more than 0 and at most ${MAX_PRICE}.`)],
  };
}

function termsOf(input: TermsInput): LicenceTerms {
  const { name, exclusive, territory, streaming, maxCopies } = input;
  return {
    name: name.trim(),
    exclusive: exclusive ?? false,
    territory: territory ?? 'WORLD',
    streaming: streaming ?? false,
    maxCopies: maxCopies ?? null,
  };
}

function checkTerms(field: string, { name, territory, maxCopies }: LicenceTerms): UserErrorData[] {
  return [
    ...checkText(`${field}.name`, name, { minChars: 1, maxChars: MAX_TERMS_CHARS }),
    ...(TERRITORY.test(territory)
      ? []
      : [invalid(`${field}.territory`, 'UNKNOWN_TERRITORY', 'Use a country code such as FR, or WORLD.')]),
    ...(maxCopies === null ? [] : checkRange(`${field}.maxCopies`, maxCopies, 1, MAX_COPIES)),
  ];
}

function checkVariantCount(field: string, count: number): UserErrorData[] {
  if (count >= 1 && count <= MAX_VARIANTS) return [];
  return [invalid(field, 'OUT_OF_RANGE', `A product has 1 to ${MAX_VARIANTS} variants.`)];
}

function checkSkus(field: string, variants: readonly { readonly sku: string }[]): UserErrorData[] {
  const unique = new Set(variants.map(({ sku }) => sku)).size === variants.length;
  return unique ? [] : [invalid(field, 'DUPLICATE_SKU', 'Each variant needs a code of its own.')];
}

function checkOnce(changes: readonly { readonly id: string }[]): UserErrorData[] {
  const once = new Set(changes.map(({ id }) => id)).size === changes.length;
  return once ? [] : [invalid('input.variants', 'DUPLICATE_VARIANT', 'Change each variant once.')];
}

/** Lowest and highest price of a product's variants, of which there is at least one. */
export function priceRangeOf(variants: readonly Pick<Variant, 'price'>[]): { min: bigint; max: bigint } {
  const prices = variants.map(({ price }) => price.amountMinor);
  const [first] = prices;
  if (first === undefined)
    throw new Refusal(invalid('input.variants', 'REQUIRED', 'A product needs a variant.'));
  return prices.reduce(
    ({ min, max }, price) => ({ min: price < min ? price : min, max: price > max ? price : max }),
    { min: first, max: first },
  );
}
