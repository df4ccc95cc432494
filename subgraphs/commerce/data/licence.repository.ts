import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { Licence } from '../domain/licence.ts';
import { LicenceEntity, type LicenceRow } from './licence.entity.ts';
import { FRESH, newestById, type PageById } from './rows.ts';

export async function insertLicences(em: Em, licences: readonly Licence[]): Promise<void> {
  const rows = licences.map(({ terms: { name, ...terms }, ...licence }) => ({
    ...licence,
    ...terms,
    licenceName: name,
  }));
  await em.insertMany(LicenceEntity, rows);
}

export async function findLicencesById(em: Em, ids: readonly string[]): Promise<Licence[]> {
  return (await em.find(LicenceEntity, { id: { $in: [...ids] } }, FRESH)).map(toLicence);
}

/** In the order in which they were issued. */
export async function findLicencesOfOrders(em: Em, orderIds: readonly string[]): Promise<Licence[]> {
  const options = { ...FRESH, orderBy: { id: 'asc' } } as const;
  return (await em.find(LicenceEntity, { orderId: { $in: [...orderIds] } }, options)).map(toLicence);
}

/** Valid ones, newest first. */
export async function listLicencesOf(em: Em, holderId: string, page: PageById): Promise<Licence[]> {
  const { where, options } = newestById(page);
  return (await em.find(LicenceEntity, { holderId, revokedAt: null, ...where }, options)).map(toLicence);
}

export async function revokeLicences(em: Em, orderId: string, revokedAt: Date): Promise<void> {
  await em.nativeUpdate(LicenceEntity, { orderId, revokedAt: null }, { revokedAt });
}

/** Of which of the tracks the holder has a valid licence. */
export async function findOwnedTracks(
  em: Em,
  holderId: string,
  trackIds: readonly string[],
): Promise<{ readonly trackId: string }[]> {
  const rows = await em.execute<{ track_id: string }[]>(
    `select distinct track_id from licence
     where holder_id = ? and revoked_at is null and track_id = any(?::text[])`,
    [holderId, textArray(trackIds)],
  );
  return rows.map((row) => ({ trackId: row.track_id }));
}

function toLicence(row: LicenceRow): Licence {
  const { id, holderId, orderId, productId, variantId, serial, issuedAt } = row;
  const { licenceName: name, exclusive, territory, streaming } = row;
  return {
    ...{ id, holderId, orderId, productId, variantId, serial, issuedAt },
    trackId: row.trackId ?? null,
    terms: { name, exclusive, territory, streaming, maxCopies: row.maxCopies ?? null },
    revokedAt: row.revokedAt ?? null,
  };
}
