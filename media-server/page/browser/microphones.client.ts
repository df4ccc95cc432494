import { microphoneConstraints } from '../../../clients/live/browser/microphone.client.ts';
import { make, requireElement } from './elements.client.ts';

const CHOSEN = 'veza.microphone';
const device = requireElement('device', HTMLDivElement);
const select = requireElement('device-select', HTMLSelectElement);

/** Opens the microphone that the visitor has chosen, which the browser remembers; where it is gone, the one that the browser takes. */
export async function openMicrophone(music: boolean): Promise<MediaStreamTrack> {
  const stream = await openStream(microphoneConstraints(music), localStorage.getItem(CHOSEN));
  await listMicrophones();
  const [track] = stream.getAudioTracks();
  if (!track) throw new DOMException('The stream has no audio.', 'NotFoundError');
  return track;
}

const open = (audio: MediaTrackConstraints) => navigator.mediaDevices.getUserMedia({ audio });

async function openStream(constraints: MediaTrackConstraints, chosen: string | null): Promise<MediaStream> {
  if (chosen === null) return open(constraints);
  try {
    // As a mere wish, the device would be weighed against the other constraints.
    return await open({ ...constraints, deviceId: { exact: chosen } });
  } catch (error) {
    if (error instanceof OverconstrainedError) return open(constraints);
    throw error;
  }
}

/** Offers the microphones for choice as soon as the browser tells their names: once the visitor has allowed one. */
export async function listMicrophones(): Promise<void> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const inputs = devices.filter(({ kind, label }) => kind === 'audioinput' && label !== '');
  device.hidden = inputs.length === 0;
  const chosen = localStorage.getItem(CHOSEN);
  const options = inputs.map(({ deviceId, label }) => {
    const option = make('option', '', label);
    option.value = deviceId;
    option.selected = deviceId === chosen;
    return option;
  });
  select.replaceChildren(...options);
}

/** `onChosen` is called after the choice is kept. */
export function watchMicrophones(onChosen: () => void): void {
  select.addEventListener('change', () => {
    localStorage.setItem(CHOSEN, select.value);
    onChosen();
  });
  // Absent where the page is not served securely: there is no microphone then, and joining says so.
  navigator.mediaDevices?.addEventListener('devicechange', () => void listMicrophones());
}
