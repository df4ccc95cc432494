import { z } from 'zod';

/**
 * The WebRTC parameters that travel in signalling, as mediasoup and mediasoup-client name them. Audio only. Sizes are bounded here, because the
 * media worker trusts what it is handed.
 */
const MAX_LIST = 64;

const parameters = z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean()]));
const rtcpFeedback = z.object({ type: z.string().max(32), parameter: z.string().max(32).optional() });
const kind = z.literal('audio');
const payloadType = z.number().int().min(0).max(127);

// Those that audio may carry in mediasoup's routers.
export const headerExtensionUri = z.enum([
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'urn:mediasoup:params:rtp-hdrext:packet-id',
]);

const codecFields = {
  mimeType: z.string().max(64),
  clockRate: z.number().int().positive(),
  channels: z.number().int().min(1).max(8).optional(),
  parameters: parameters.optional(),
  rtcpFeedback: z.array(rtcpFeedback).max(MAX_LIST).optional(),
};

export const rtpCapabilities = z
  .object({
    codecs: z
      .array(z.object({ ...codecFields, kind, preferredPayloadType: payloadType }))
      .max(MAX_LIST)
      .optional(),
    headerExtensions: z
      .array(
        z.object({
          kind,
          uri: headerExtensionUri,
          preferredId: z.number().int().min(1).max(255),
          preferredEncrypt: z.boolean().optional(),
          direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).optional(),
        }),
      )
      .max(MAX_LIST)
      .optional(),
  })
  .meta({ id: 'RtpCapabilities', description: 'What an endpoint can receive, or what a router offers.' });
export type RtpCapabilities = z.infer<typeof rtpCapabilities>;

const ssrc = z.number().int().min(0).max(0xffff_ffff);

const encoding = z.object({
  ssrc: ssrc.optional(),
  rid: z.string().max(32).optional(),
  codecPayloadType: payloadType.optional(),
  rtx: z.object({ ssrc }).optional(),
  dtx: z.boolean().optional(),
  scalabilityMode: z.string().max(32).optional(),
  maxBitrate: z.number().int().positive().optional(),
});

export const rtpParameters = z
  .object({
    mid: z.string().max(32).optional(),
    msid: z.string().max(256).optional(),
    codecs: z
      .array(z.object({ ...codecFields, payloadType }))
      .min(1)
      .max(MAX_LIST),
    headerExtensions: z
      .array(
        z.object({
          uri: headerExtensionUri,
          id: z.number().int().min(1).max(255),
          encrypt: z.boolean().optional(),
          parameters: parameters.optional(),
        }),
      )
      .max(MAX_LIST)
      .optional(),
    encodings: z.array(encoding).max(4).optional(),
    rtcp: z.object({ cname: z.string().max(256).optional(), reducedSize: z.boolean().optional() }).optional(),
  })
  .meta({
    id: 'RtpParameters',
    description: 'One stream, as its sender describes it (RTCRtpParameters of ORTC).',
  });
export type RtpParameters = z.infer<typeof rtpParameters>;

export const iceParameters = z
  .object({
    usernameFragment: z.string().max(256),
    password: z.string().max(256),
    iceLite: z.boolean().optional(),
  })
  .meta({ id: 'IceParameters', description: 'The server’s side of ICE.' });

export const iceCandidate = z
  .object({
    foundation: z.string(),
    priority: z.number(),
    ip: z.string(),
    address: z.string(),
    protocol: z.enum(['udp', 'tcp']),
    port: z.number().int(),
    type: z.literal('host'),
    tcpType: z.literal('passive').optional(),
  })
  .meta({
    id: 'IceCandidate',
    description: 'Where the server is reached. Ports are numbers, priorities as in RFC 8445.',
  });

export const dtlsParameters = z
  .object({
    role: z.enum(['auto', 'client', 'server']).optional(),
    fingerprints: z
      .array(
        z.object({
          algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']),
          value: z.string().regex(/^[0-9A-F]{2}(:[0-9A-F]{2}){15,63}$/i),
        }),
      )
      .min(1)
      .max(8),
  })
  .meta({ id: 'DtlsParameters', description: 'Certificate fingerprints of one side.' });
export type DtlsParameters = z.infer<typeof dtlsParameters>;
