export interface LiveHtmlOptions {
  readonly graphqlPath: string;
  /** A well-formed id: it is written as it is. */
  readonly liveRoomId: string;
  readonly scriptPath: string;
  readonly stylesPath: string;
}

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
  <body data-graphql-path="${graphqlPath}" data-live-room-id="${liveRoomId}">
    <header>
      <p class="brand">Veza live</p>
      <h1 id="title">Live room</h1>
    </header>
    <main>
      <noscript><p>Live audio needs JavaScript.</p></noscript>
      <p id="problem" role="alert" hidden></p>
      <form id="sign-in" hidden>
        <label for="email">E-mail</label>
        <input id="email" type="email" autocomplete="username" required />
        <label for="password">Password</label>
        <input id="password" type="password" autocomplete="current-password" required />
        <button class="main" type="submit">Sign in and join</button>
      </form>
      <section id="lobby" aria-label="Before joining" hidden>
        <p>Speakers are asked for their microphone when they join.</p>
        <button id="join" class="main" type="button">Join the room</button>
      </section>
      <section id="room" aria-label="The room" hidden>
        <p id="status" role="status" data-connection="connecting">Connecting …</p>
        <div class="actions">
          <button id="microphone" class="main" type="button" aria-pressed="false" hidden>Turn my microphone on</button>
          <button id="play" type="button" hidden>Let me hear the room</button>
          <button id="leave" type="button">Leave</button>
        </div>
        <h2>Here now: <span id="count">0</span></h2>
        <ul id="participants"></ul>
      </section>
    </main>
  </body>
</html>
`;
