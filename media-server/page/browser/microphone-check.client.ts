import { requireButton, requireElement, setText } from './elements.client.ts';
import { openMicrophone } from './microphones.client.ts';
import { loudnessOf, Speakers } from './speakers.client.ts';
import { microphoneWords } from './words.client.ts';

const button = requireButton('check');
const meter = requireElement('check-level', HTMLMeterElement);
const words = requireElement('check-words', HTMLParagraphElement);

const OWN = 'own';
/** Above it there is a voice, or an instrument, not the noise of a room. */
const SOUND = 0.5;

/** Before joining: shows how loud the visitor's microphone is, which nobody hears. */
export class MicrophoneCheck {
  #speakers: Speakers | null = null;
  #track: MediaStreamTrack | null = null;

  constructor() {
    button.addEventListener('click', () => void (this.#track ? this.stop() : this.start()));
  }

  get isOn(): boolean {
    return this.#track !== null;
  }

  /** With the microphone that is chosen; started again, with the one that is chosen by now. */
  async start(): Promise<void> {
    this.stop();
    try {
      const track = await openMicrophone(false);
      this.#track = track;
      this.#speakers ??= new Speakers(
        (levels) => this.#show(loudnessOf(levels.get(OWN) ?? 0)),
        () => undefined,
      );
      this.#speakers.measureOwn(OWN, track);
      await this.#speakers.resume();
      meter.hidden = false;
      button.ariaPressed = 'true';
      setText(words, 'Say something.');
    } catch (error) {
      setText(words, microphoneWords(error));
    }
  }

  stop(): void {
    this.#track?.stop();
    this.#track = null;
    this.#speakers?.measureOwn(OWN, null);
    meter.hidden = true;
    button.ariaPressed = 'false';
    setText(words, '');
  }

  #show(loudness: number): void {
    if (!this.#track) return;
    meter.value = loudness;
    if (loudness > SOUND) setText(words, 'Your microphone works.');
  }
}
