export interface LiveHtmlOptions {
  readonly graphqlPath: string;
  /** A well-formed id: it is written as it is. */
  readonly liveRoomId: string;
  readonly scriptPath: string;
  readonly stylesPath: string;
}

const SIGN_IN = `<form id="sign-in" class="card" aria-label="Sign in" hidden>
        <label for="email">E-mail</label>
        <input id="email" type="email" autocomplete="username" required />
        <label for="password">Password</label>
        <input id="password" type="password" autocomplete="current-password" required />
        <button class="main" type="submit">Sign in and join</button>
      </form>`;

const LOBBY = `<section id="lobby" class="card" aria-label="Before joining" hidden>
        <p id="lobby-words"></p>
        <div id="lobby-device">
          <div id="device" hidden>
            <label for="device-select">Microphone</label>
            <select id="device-select"></select>
          </div>
        </div>
        <div id="check-microphone">
          <button id="check" type="button" aria-pressed="false">Check my microphone</button>
          <meter id="check-level" max="1" aria-label="Loudness of your microphone" hidden></meter>
          <p id="check-words" class="quiet" role="status"></p>
        </div>
        <div class="actions">
          <button id="start" class="main" type="button" hidden>Start the room</button>
          <button id="join" class="main" type="button" hidden>Join the room</button>
        </div>
      </section>`;

const FULL = `<section id="full" class="card" aria-labelledby="full-title" hidden>
        <h2 id="full-title">The room is full</h2>
        <p id="full-words"></p>
        <audio id="player" controls tabindex="0" aria-label="Broadcast of the room" hidden></audio>
        <p id="player-words" class="quiet" role="status"></p>
        <p id="player-latency" class="quiet" hidden></p>
        <div class="actions">
          <button id="listen" class="main" type="button">Listen to the broadcast</button>
          <button id="retry" type="button">Try to join again</button>
        </div>
      </section>`;

const CHAT = `<aside id="chat" aria-labelledby="chat-name" hidden>
          <div class="chat-head">
            <h2 id="chat-name">Chat</h2>
            <button id="chat-close" class="plain" type="button">Close chat</button>
          </div>
          <button id="older" class="plain" type="button" hidden>Show older messages</button>
          <ol id="messages" role="log" aria-label="Messages" tabindex="0"></ol>
          <p id="chat-hint" class="quiet" hidden></p>
          <p id="chat-problem" class="problem" role="alert" hidden></p>
          <form id="compose">
            <label for="message" class="unseen">Message</label>
            <textarea id="message" rows="2" maxlength="4000" placeholder="Write a message" required></textarea>
            <button class="main" type="submit">Send</button>
          </form>
        </aside>`;

const BANNED = `<section id="banned" aria-labelledby="banned-title" hidden>
            <h2 id="banned-title" tabindex="-1">Banned people</h2>
            <form id="banned-form" class="search" role="search" aria-label="Find banned people" hidden>
              <input id="banned-name" type="search" maxlength="50" autocomplete="off" aria-label="Name or handle of somebody banned" placeholder="Everybody" />
              <button type="submit" aria-label="Find banned people">Find</button>
            </form>
            <p id="banned-outcome" class="quiet" role="status"></p>
            <ul id="banned-list"></ul>
            <button id="banned-more" type="button" aria-label="Show more banned people" hidden>Show more</button>
          </section>`;

const ROOM = `<section id="room" aria-label="The room" hidden>
        <p id="status" role="status" data-connection="connecting">Connecting …</p>
        <div class="actions"><button id="rejoin" class="main" type="button" hidden>Join again</button></div>
        <div class="stage">
          <div role="status"><p id="recording" hidden></p></div>
          <div role="alert">
            <section id="invitation" class="card" aria-label="Invitation" hidden>
              <p>You are invited to speak.</p>
              <div class="actions">
                <button id="accept" class="main" type="button">Accept and speak</button>
                <button id="decline" type="button">Decline</button>
              </div>
            </section>
          </div>
          <div id="tools" role="group" aria-label="Moderation" hidden>
            <button id="mute-all" type="button">Mute everyone</button>
            <button id="record" type="button">Record</button>
            <button id="audience" type="button" aria-pressed="false">Broadcast to signed-in people only</button>
            <button id="end" class="grave" type="button">End the room</button>
          </div>
          <div>
            <div id="reactions" role="group" aria-label="React"></div>
            <p id="reactions-said" class="unseen" role="status"></p>
          </div>
          <section id="hands-section" aria-labelledby="hands-title" hidden>
            <h2 id="hands-title">Raised hands <span id="hands-count" class="count"></span></h2>
            <ol id="hands"></ol>
          </section>
          <section aria-labelledby="speakers-title">
            <div class="section-head">
              <h2 id="speakers-title">On stage</h2>
              <p class="quiet">Here now: <span id="count">0</span></p>
            </div>
            <ul id="participants"></ul>
            <p id="no-speakers" class="empty">Nobody is on stage yet.</p>
          </section>
          <section aria-labelledby="listeners-title">
            <h2 id="listeners-title">Listening <span id="listener-count" class="count">0</span></h2>
            <ul id="listeners"></ul>
            <p id="more-listeners" class="quiet" hidden></p>
            <p id="no-listeners" class="empty">Nobody is listening yet. Share the address of this page.</p>
          </section>
          <section id="find" aria-labelledby="find-title" hidden>
            <h2 id="find-title" tabindex="-1">Find people</h2>
            <form id="find-form" class="search" role="search" aria-label="Find people">
              <input id="find-name" type="search" maxlength="50" autocomplete="off" aria-label="Name or handle" placeholder="Everybody" />
              <button type="submit">Find</button>
            </form>
            <p id="find-outcome" class="quiet" role="status"></p>
            <ul id="find-list"></ul>
            <button id="find-more" type="button" hidden>Show more</button>
          </section>
          ${BANNED}
        </div>
        ${CHAT}
        <div class="controls" role="group" aria-label="Your controls">
          <button id="microphone" class="main" type="button" aria-pressed="false" hidden>Turn my microphone on</button>
          <button id="hand" type="button" aria-pressed="false" hidden>Raise my hand</button>
          <button id="play" class="main" type="button" hidden>Let me hear the room</button>
          <button id="chat-toggle" type="button" aria-expanded="false" aria-controls="chat" hidden>
            Chat <span id="unread" class="count" hidden></span>
          </button>
          <div id="room-device"></div>
          <button id="leave" type="button">Leave</button>
        </div>
      </section>`;

const DIALOGS = `<dialog id="person" aria-labelledby="person-name">
      <h2 id="person-name"></h2>
      <p id="person-note" class="quiet"></p>
      <div id="person-actions" class="choices"></div>
      <button id="person-close" class="plain" type="button">Cancel</button>
    </dialog>
    <dialog id="confirmation" role="alertdialog" aria-labelledby="confirmation-question" aria-describedby="confirmation-explanation">
      <h2 id="confirmation-question"></h2>
      <p id="confirmation-explanation"></p>
      <div class="actions">
        <button id="confirmation-cancel" type="button" autofocus>Cancel</button>
        <button id="confirmation-accept" class="grave" type="button"></button>
      </div>
    </dialog>`;

/** The page before its script fills it. Every part that changes is announced to screen readers. */
export const liveHtml = ({
  graphqlPath,
  liveRoomId,
  scriptPath,
  stylesPath,
}: LiveHtmlOptions): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Veza live</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${stylesPath}" />
    <script type="module" src="${scriptPath}"></script>
  </head>
  <body data-graphql-path="${graphqlPath}" data-live-room-id="${liveRoomId}" data-step="loading">
    <header>
      <p class="brand">Veza live</p>
      <h1 id="title" tabindex="-1">Live room</h1>
      <p id="host" class="quiet" hidden></p>
      <p id="topic" hidden></p>
    </header>
    <main>
      <noscript><p class="card">Live audio needs JavaScript.</p></noscript>
      <p id="problem" role="alert" hidden></p>
      ${SIGN_IN}
      ${LOBBY}
      ${FULL}
      ${ROOM}
    </main>
    <div id="notices" role="status"></div>
    ${DIALOGS}
  </body>
</html>
`;
