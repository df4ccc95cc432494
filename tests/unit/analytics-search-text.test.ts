import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { highlight } from '../../subgraphs/analytics/domain/highlight.ts';
import { normaliseText, parseTerms, toTsquery } from '../../subgraphs/analytics/domain/search-text.ts';

describe('normalised search text', () => {
  it('drops case, accents and everything that is neither letter nor digit [S16]', () => {
    assert.equal(normaliseText('  Passage du VENT — (Édition №2)! '), 'passage du vent edition no2');
    assert.equal(
      normaliseText('Smørrebrød, Łódź, Straße, Ænima, İstanbul'),
      'smorrebrod lodz strasse aenima istanbul',
    );
    assert.equal(normaliseText('ＦＵＬＬ　ｗｉｄｔｈ'), 'full width');
  });

  it('keeps scripts that have no case', () => {
    assert.equal(normaliseText('東京 の 夜'), '東京 の 夜');
  });

  it('is the same when applied twice', () => {
    for (const text of ['Ünïcödé', 'İI', 'ﬁre', 'Å', '½ life', 'ẞ'])
      assert.equal(normaliseText(normaliseText(text)), normaliseText(text));
  });
});

describe('search terms', () => {
  it('leave nothing of the query language that an attacker could use', () => {
    const terms = parseTerms(`a' & !b | (c):*D <-> "e" \\ \u0000 \ud800; drop table play --`);
    assert.equal(toTsquery(terms), 'a & b & c & d & e & drop & table & play:*');
  });

  it('hold at most 12 words of 60 characters', () => {
    const { words } = parseTerms(`${'x'.repeat(100)} ${'y '.repeat(50)}`);
    assert.equal(words.length, 12);
    assert.equal(words[0], 'x'.repeat(60));
  });

  it('are empty where there is neither letter nor digit', () => {
    assert.deepEqual(parseTerms(' !? 🎵 '), { words: [], text: '' });
  });

  it('let only the last word be cut short', () => {
    assert.equal(toTsquery(parseTerms('slow mi')), 'slow & mi:*');
    assert.equal(toTsquery(parseTerms('slow mi'), 'A'), 'slow:A & mi:*A');
  });
});

describe('a highlight', () => {
  const of = (text: string, query: string) => highlight([text], parseTerms(query));

  it('marks the words as they are written, accents and all', () => {
    assert.equal(of('Édition du Vent', 'edition ve'), '<mark>Édition</mark> du <mark>Vent</mark>');
  });

  it('escapes what strangers wrote', () => {
    assert.equal(
      of(`<img src=x onerror="alert('mix')"> & mix`, 'mix'),
      `&lt;img src=x onerror=&quot;alert(&#39;<mark>mix</mark>&#39;)&quot;&gt; &amp; <mark>mix</mark>`,
    );
  });

  it('is a piece of a long text, cut between words', () => {
    const text = `${'before '.repeat(50)}needle ${'behind '.repeat(50)}`;
    const piece = of(text, 'needle');
    assert.match(piece ?? '', /^…before (before )+<mark>needle<\/mark>( behind)+…$/);
    assert.ok((piece ?? '').length < 200);
  });

  it('takes the first text that has a match, and is null where none has', () => {
    const terms = parseTerms('tape');
    assert.equal(highlight(['Slow Mix', null, 'from a tape'], terms), 'from a <mark>tape</mark>');
    assert.equal(highlight(['Slow Mix', null], terms), null);
  });
});
