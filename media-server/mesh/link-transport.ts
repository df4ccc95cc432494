import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { types } from 'mediasoup';
import { linkAnswer, type LinkEndpoint } from '#schema/media-mesh.ts';
import { headerExtensionUri, rtpParameters, type RtpParameters } from '#schema/rtp.ts';
import type { MediaListen } from '../deps.ts';
import { udpListening } from '../udp-listening.ts';

/** One end of a link between servers: encrypted, and with retransmission, as the way between hosts may lose packets. */
export function createLinkTransport(
  router: types.Router,
  { ip, announcedAddress, minPort, maxPort }: MediaListen,
): Promise<types.PipeTransport> {
  const portRange = { min: minPort, max: maxPort };
  return router.createPipeTransport({
    listenInfo: udpListening({ ip, announcedAddress, portRange }),
    enableSrtp: true,
    enableRtx: true,
  });
}

/** What the other end has to know of this one. */
export function endpointOf({ tuple, srtpParameters }: types.PipeTransport): LinkEndpoint {
  const { localAddress: address, localPort: port } = tuple;
  return linkAnswer.shape.endpoint.parse({ address, port, srtpParameters });
}

export async function connectLink(
  transport: types.PipeTransport,
  { address, port, srtpParameters }: LinkEndpoint,
): Promise<void> {
  // Servers may announce a name, which the worker would not resolve.
  const ip = isIP(address) ? address : (await lookup(address)).address;
  await transport.connect({ ip, port, srtpParameters });
}

/** How a stream is sent over a link. A pipe offers the header extensions of video too, whatever it carries. */
export function parametersOf({
  rtpParameters: { headerExtensions = [], ...all },
}: types.Consumer): RtpParameters {
  const known = headerExtensions.filter(({ uri }) => headerExtensionUri.safeParse(uri).success);
  return rtpParameters.parse({ ...all, headerExtensions: known });
}
