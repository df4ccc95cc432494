import type { RealtimeClient } from '../../../clients/realtime/realtime-client.ts';
import { CHAT_EVENTS, chatAfter, ChatApi, type Chat, type ChatMessage } from './chat.client.ts';
import { make, requireButton, requireElement, setText, showText } from './elements.client.ts';
import { followLog } from './follow-log.client.ts';
import type { Session } from './session.client.ts';
import { messageOf, timeWords } from './words.client.ts';

const panel = requireElement('chat', HTMLElement);
const toggle = requireButton('chat-toggle');
const list = requireElement('messages', HTMLOListElement);
const older = requireButton('older');
const form = requireElement('compose', HTMLFormElement);
const input = requireElement('message', HTMLTextAreaElement);
const problem = requireElement('chat-problem', HTMLParagraphElement);
const hint = requireElement('chat-hint', HTMLParagraphElement);
const unreadCount = requireElement('unread', HTMLSpanElement);

/** As wide as two columns need; the style sheet has the same. */
const WIDE = matchMedia('(min-width: 60rem)');
const NEAR_END_PX = 80;

/** The chat beside the room. There is one in the page; it follows one chat room at a time. */
export class ChatPanel {
  readonly #session: Session;
  #api: ChatApi | null = null;
  #chat: Chat | null = null;
  #following: { stop(): void } | null = null;
  /** Of the message that is being written: sent twice, it is written once. */
  #nonce = crypto.randomUUID();
  #unread = 0;

  constructor(session: Session) {
    this.#session = session;
    toggle.addEventListener('click', () => this.#show(panel.hidden === true));
    requireButton('chat-close').addEventListener('click', () => this.#show(false));
    panel.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#show(false);
    });
    // A tablet that is turned: what was beside the room would cover it, and the other way round.
    WIDE.addEventListener('change', ({ matches }) => {
      if (this.#api) this.#show(matches, false);
    });
    older.addEventListener('click', () => void this.#loadOlder());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
  }

  /** Follows that chat room; null: the live room has none. */
  open(roomId: string | null, realtime: RealtimeClient): void {
    this.close();
    toggle.hidden = roomId === null;
    if (roomId === null) return;
    this.#show(WIDE.matches, false);
    const api = new ChatApi(this.#session, roomId);
    this.#api = api;
    this.#following = followLog(realtime, {
      load: () => api.load(),
      document: CHAT_EVENTS,
      variables: ({ cursor }) => ({ id: roomId, after: cursor }),
      after: (chat, event) => chatAfter({ ...(this.#chat ?? chat), cursor: chat.cursor }, event),
      onState: (chat) => this.#draw(chat),
      onEnd: (words) => showText(problem, words ?? 'You cannot see this chat.'),
    });
  }

  close(): void {
    this.#following?.stop();
    this.#following = null;
    this.#api = null;
    this.#chat = null;
    this.#unread = 0;
    list.replaceChildren();
    panel.hidden = true;
    toggle.hidden = true;
    showText(problem, null);
  }

  #show(isShown: boolean, moveFocus = true): void {
    panel.hidden = !isShown;
    toggle.setAttribute('aria-expanded', String(isShown));
    if (isShown) this.#countUnread(0);
    if (isShown) list.scrollTop = list.scrollHeight;
    if (moveFocus) (isShown ? input : toggle).focus();
  }

  #draw(chat: Chat): void {
    const isFirst = this.#chat === null;
    const lastSeq = this.#chat?.messages.at(-1)?.seq ?? 0;
    this.#chat = chat;
    showText(problem, null);
    setText(requireElement('chat-name', HTMLHeadingElement), chat.name ? `Chat · ${chat.name}` : 'Chat');
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
    drawMessages(chat.messages);
    older.hidden = chat.olderThan === null;
    showText(hint, hintOf(chat));
    if (isFirst || isAtEnd) list.scrollTop = list.scrollHeight;
    const fresh = chat.messages.filter(({ seq }) => seq > lastSeq).length;
    if (!isFirst && panel.hidden) this.#countUnread(this.#unread + fresh);
  }

  #countUnread(count: number): void {
    this.#unread = count;
    showText(unreadCount, count === 0 ? null : `${count} new`);
  }

  async #loadOlder(): Promise<void> {
    const chat = this.#chat;
    if (!chat || !this.#api) return;
    try {
      const { messages, olderThan } = await this.#api.loadOlder(chat);
      const known = this.#chat ?? chat;
      const heightBefore = list.scrollHeight;
      this.#draw({ ...known, olderThan, messages: [...messages, ...known.messages] });
      // What was being read stays where it is.
      list.scrollTop += list.scrollHeight - heightBefore;
    } catch (error) {
      showText(problem, messageOf(error));
    }
  }

  async #send(): Promise<void> {
    const content = input.value.trim();
    if (content === '' || !this.#api || !this.#chat) return;
    form.ariaBusy = 'true';
    try {
      if (!this.#chat.isMember) await this.#api.becomeMember();
      this.#chat = { ...this.#chat, isMember: true };
      showText(hint, hintOf(this.#chat));
      await this.#api.send(content, this.#nonce);
      this.#nonce = crypto.randomUUID();
      showText(problem, null);
      // What was written while it was sent stays.
      if (input.value.trim() === content) input.value = '';
    } catch (error) {
      showText(problem, `Not sent: ${messageOf(error)}`);
    } finally {
      form.ariaBusy = 'false';
    }
  }
}

function hintOf({ isMember, messages, name }: Chat): string | null {
  if (!isMember) return `Your first message makes you a member of ${name ?? 'this chat'}.`;
  return messages.length === 0 ? 'Nobody has written yet. Say hello!' : null;
}

/** Rows are kept, so that screen readers announce new messages only. */
function drawMessages(messages: readonly ChatMessage[]): void {
  const rows = new Map([...list.children].map((row) => [row.id, row]));
  messages.forEach((message, index) => {
    const row = rows.get(message.id) ?? newRow(message);
    setText(row.querySelector('.content'), message.content ?? 'This message was deleted.');
    row.classList.toggle('deleted', message.content == null);
    setText(row.querySelector('.edited'), message.editedAt && message.content != null ? '(edited)' : '');
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  while (list.children.length > messages.length) list.lastElementChild?.remove();
}

function newRow({ id, author, createdAt }: ChatMessage): HTMLLIElement {
  const row = make('li', 'message');
  row.id = id;
  const time = make('time', 'quiet', timeWords(createdAt));
  time.dateTime = createdAt;
  const by = make('p', 'by');
  by.append(make('span', 'author', author?.displayName ?? 'Somebody'), ' ', time);
  row.append(by, make('p', 'content'), make('span', 'edited quiet'));
  return row;
}
