import type { Events } from '#platform/events/events.ts';
import { insertTrack } from './data/product.repository.ts';
import { archiveProductsOfTrack } from './service/catalogue.ts';

/** Keeps in mind who made which published track, and takes what is made of a deleted track off sale. */
export function registerReactions(events: Events): void {
  events.consume('commerce-tracks', ['track.published', 'track.deleted'], (event, tx) => {
    const { trackId, artistId } = event.payload;
    return event.name === 'track.published'
      ? insertTrack(tx.em, trackId, artistId)
      : archiveProductsOfTrack(tx, trackId, artistId);
  });
}
