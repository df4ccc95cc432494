/**
 * How to open a microphone: `music` without what is made for speech, which takes notes for noise, and in stereo where the device has it. Speech is
 * sent in one channel.
 */
export const microphoneConstraints = (music: boolean): MediaTrackConstraints => ({
  echoCancellation: !music,
  noiseSuppression: !music,
  autoGainControl: !music,
  channelCount: music ? 2 : 1,
});
