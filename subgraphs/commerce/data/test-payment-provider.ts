import type { Database, Em } from '#platform/database.ts';
import { CodedError } from '#platform/errors.ts';
import type { PaymentProvider, PaymentRequest, ProviderPayment } from '../domain/ports.ts';

type Status = ProviderPayment['status'];

interface Entry {
  readonly key: string;
  readonly method_id: string | null;
  /** bigint as text. */
  readonly amount_minor: string | null;
  readonly currency: string | null;
  readonly status: Status;
  readonly decline_code: string | null;
}

interface Script {
  readonly authorise: Status;
  readonly confirm?: Status;
  readonly declineCode?: string;
  /** The first answer is lost on its way. */
  readonly loseAnswer?: boolean;
}

/** What each payment method does. Any other is declined as unknown. */
const SCRIPTS: Readonly<Record<string, Script>> = {
  pm_ok: { authorise: 'AUTHORISED' },
  pm_declined: { authorise: 'DECLINED', declineCode: 'card_declined' },
  pm_insufficient_funds: { authorise: 'DECLINED', declineCode: 'insufficient_funds' },
  pm_action_required: { authorise: 'ACTION_REQUIRED', confirm: 'AUTHORISED' },
  pm_action_declined: { authorise: 'ACTION_REQUIRED', confirm: 'DECLINED', declineCode: 'action_failed' },
  pm_action_pending: { authorise: 'ACTION_REQUIRED' },
  pm_timeout: { authorise: 'AUTHORISED', loseAnswer: true },
};
const UNKNOWN: Script = { authorise: 'DECLINED', declineCode: 'unknown_payment_method' };
const RETRYABLE = new Set(['insufficient_funds']);

const scriptOf = (methodId: string | null): Script =>
  (methodId !== null && Object.hasOwn(SCRIPTS, methodId) ? SCRIPTS[methodId] : null) ?? UNKNOWN;

/**
 * A payment provider that moves no money: the payment method's id decides what happens, so that every outcome can be tried by hand. It keeps its
 * books in tables of its own and, like a real one, in transactions of its own.
 */
export function testPaymentProvider(database: Database): PaymentProvider {
  const inBooks = <T>(run: (em: Em) => Promise<T>) => database.fork().transactional(run);
  const advance = (key: string, from: Status, next: (entry: Entry) => Status | undefined) =>
    inBooks(async (em) => {
      const entry = await requireEntry(em, key);
      const status = entry.status === from ? next(entry) : undefined;
      return status === undefined ? answerOf(entry) : answerOf(await setStatus(em, entry, status));
    });
  return {
    async authorise(request) {
      const { entry, made } = await inBooks((em) => open(em, request));
      if (made && scriptOf(request.methodId).loseAnswer) throw unreachable();
      return answerOf(entry);
    },
    confirm: (key) => advance(key, 'ACTION_REQUIRED', ({ method_id }) => scriptOf(method_id).confirm),
    capture: (key) => advance(key, 'AUTHORISED', () => 'CAPTURED'),
    cancel: (key) => inBooks((em) => cancel(em, key)),
    refund: (request) =>
      inBooks(async (em) => {
        const entry = await requireEntry(em, request.paymentKey);
        return (await giveBack(em, entry, request.key, request.amount.amountMinor))
          ? { status: 'SUCCEEDED' }
          : { status: 'REFUSED', reason: 'amount_too_large' };
      }),
  };
}

async function open(
  em: Em,
  { key, methodId, amount }: PaymentRequest,
): Promise<{ entry: Entry; made: boolean }> {
  const { authorise: status, declineCode = null } = scriptOf(methodId);
  const rows = await em.execute(
    `insert into test_provider_payment (key, method_id, amount_minor, currency, status, decline_code)
     values (?, ?, ?, ?, ?, ?) on conflict do nothing returning key`,
    [key, methodId, String(amount.amountMinor), amount.currency, status, declineCode],
  );
  const entry = await requireEntry(em, key);
  const same =
    entry.method_id === methodId &&
    entry.amount_minor === String(amount.amountMinor) &&
    entry.currency === amount.currency;
  // A payment that was called off before the provider had heard of it has no facts to compare.
  if (!same && entry.method_id !== null)
    throw new CodedError('CONFLICT', 'This key belongs to another payment.');
  return { entry, made: rows.length === 1 };
}

async function cancel(em: Em, key: string): Promise<ProviderPayment> {
  await em.execute(
    `insert into test_provider_payment (key, status) values (?, 'CANCELLED') on conflict do nothing`,
    [key],
  );
  const entry = await requireEntry(em, key);
  const open = entry.status === 'AUTHORISED' || entry.status === 'ACTION_REQUIRED';
  return answerOf(open ? await setStatus(em, entry, 'CANCELLED') : entry);
}

/** Whether the money went back, now or by an earlier call with this key. The lock on the payment puts refunds into a row. */
async function giveBack(em: Em, entry: Entry, key: string, amountMinor: bigint): Promise<boolean> {
  const known = await em.execute('select 1 from test_provider_refund where key = ?', [key]);
  if (known.length === 1) return true;
  const [sum] = await em.execute<{ given: string }[]>(
    'select coalesce(sum(amount_minor), 0)::text as given from test_provider_refund where payment_key = ?',
    [entry.key],
  );
  const taken = entry.status === 'CAPTURED' ? BigInt(entry.amount_minor ?? 0) : 0n;
  if (BigInt(sum!.given) + amountMinor > taken) return false;
  await em.execute('insert into test_provider_refund (key, payment_key, amount_minor) values (?, ?, ?)', [
    key,
    entry.key,
    String(amountMinor),
  ]);
  return true;
}

/** The entry, locked. */
async function requireEntry(em: Em, key: string): Promise<Entry> {
  const [entry] = await em.execute<Entry[]>(
    `select key, method_id, amount_minor::text as amount_minor, currency, status, decline_code
     from test_provider_payment where key = ? for update`,
    [key],
  );
  if (!entry) throw new CodedError('NOT_FOUND', 'The provider does not know this payment.');
  return entry;
}

async function setStatus(em: Em, entry: Entry, status: Status): Promise<Entry> {
  const declineCode = status === 'DECLINED' ? (scriptOf(entry.method_id).declineCode ?? null) : null;
  await em.execute('update test_provider_payment set status = ?, decline_code = ? where key = ?', [
    status,
    declineCode,
    entry.key,
  ]);
  return { ...entry, status, decline_code: declineCode };
}

function answerOf({ key, status, decline_code }: Entry): ProviderPayment {
  if (status === 'ACTION_REQUIRED') return { status, clientSecret: `${key}_secret` };
  if (status !== 'DECLINED') return { status };
  const declineCode = decline_code ?? 'declined';
  return { status, declineCode, retryable: RETRYABLE.has(declineCode) };
}

const unreachable = () => new CodedError('SERVICE_UNAVAILABLE', 'The payment provider did not answer.');
