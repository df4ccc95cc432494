import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ConfigError, parseConfig, readConfig } from '../../../gateway/config.ts';
import {
  hiddenServices,
  ignoredByAll,
  SUBGRAPH_DEFAULTS,
  subgraphSettings,
} from '../../../gateway/config-subgraphs.ts';
import { missingInOneProcess, missingVariables } from '../../../gateway/event-sources.ts';
import { readSettings } from '../../../gateway/settings.ts';
import { CHECKOUT } from '../../support/platform-process.ts';

const DOCS = join(CHECKOUT, 'docs');

describe('the configuration file', () => {
  test('of the documentation loads, a subgraph’s own settings before those of all before the defaults', () => {
    const config = readConfig(join(DOCS, 'gateway.example.yaml'));
    const analytics = subgraphSettings(config, 'analytics', true);
    assert.deepEqual(analytics.timeouts, { connectMs: 1_000, headersMs: 30_000, bodyMs: 10_000 });
    assert.deepEqual(analytics.retries, { ...SUBGRAPH_DEFAULTS.retries, attempts: 2 });
    assert.deepEqual(analytics.headers.forward, ['x-client-version']);
    assert.ok(analytics.errors.mask && analytics.errors.allow.includes('NOT_FOUND'));
    assert.equal(subgraphSettings(config, 'commerce', false).errors.mask, false);
    assert.equal(subgraphSettings(config, 'user', true).breaker.openMs, 5_000);
  });

  test('may be empty or missing, and everything has the default that the documentation names', () => {
    const text = readFileSync(join(DOCS, 'gateway.md'), 'utf8');
    const documented = new Map(
      [...text.matchAll(/^\| `([\w.]+)` \| (\d[\d.]*|true|false) \|/gm)].map(([, name, value]) => [
        name,
        value,
      ]),
    );
    const { subgraphs, ...whole } = readConfig(undefined);
    assert.deepEqual(parseConfig('', 'empty.yaml'), { subgraphs, ...whole });
    const defaults = new Map([...leaves(whole), ...leaves(SUBGRAPH_DEFAULTS)]);
    assert.deepEqual(new Map([...documented].sort()), new Map([...defaults].sort()));
  });

  test('is refused with every error at once, each with the name of its setting', () => {
    const text = `
requestDeadlineMs: -1
unknown: 1
subgraphs:
  all: { url: "http://a", retries: { attempts: 0, tries: 1 } }
  goods:
    url: ftp://goods
    headers: { set: { x-veza-viewer: me }, strip: [content-length] }
`;
    assert.throws(
      () => parseConfig(text, 'veza.yaml'),
      ({ problems, message }: ConfigError) => {
        assert.match(message, /^veza\.yaml is not usable:\n {2}- /);
        const expected = [
          /^requestDeadlineMs: /,
          /"unknown"/,
          /^subgraphs\.all: .*"url"/,
          /^subgraphs\.all\.retries\.attempts: /,
          /^subgraphs\.all\.retries: .*"tries"/,
          /^subgraphs\.goods\.url: must be a URL/,
          /^subgraphs\.goods\.headers\.set\.x-veza-viewer: is a name of the platform/,
          /^subgraphs\.goods\.headers\.strip\.0: belongs to the connection/,
        ];
        for (const pattern of expected)
          assert.ok(
            problems.some((problem) => pattern.test(problem)),
            String(pattern),
          );
        assert.equal(problems.length, expected.length);
        return true;
      },
    );
  });

  test('says how events come from each subgraph, and says so at once where that cannot be', (t) => {
    const text = (subgraphs: string) => `subgraphs: { ${subgraphs} }`;
    const config = parseConfig(
      text(`all: { subscriptions: { upstream: polls, pollMs: 9000 } }, chat: { subscriptions: { maxConcurrent: 2 } },
        old: { subscriptions: { upstream: socket } },
        reviews: { subscriptions: { upstream: topics, topics: { added: "review.{id}", again: "review.{productId}" } } }`),
      'veza.yaml',
    );
    const of = (name: string) => subgraphSettings(config, name, false).subscriptions;
    assert.deepEqual(of('chat'), { upstream: 'polls', pollMs: 9_000, maxConcurrent: 2, topics: {} });
    assert.equal(of('old').upstream, 'socket');
    assert.deepEqual(of('reviews').topics, { added: 'review.{id}', again: 'review.{productId}' });
    assert.deepEqual(missingVariables(config, { REDIS_URL: 'redis://r' }), [
      'INTERNAL_SECRET: is required by subgraphs.all.subscriptions.upstream',
    ]);
    assert.deepEqual(missingVariables(config, { INTERNAL_SECRET: 'secret' }), [
      'REDIS_URL: is required by subgraphs.all.subscriptions.upstream, subgraphs.reviews.subscriptions.upstream',
    ]);
    // Subgraphs of the same process share its live bus.
    assert.deepEqual(
      missingInOneProcess(config, (name) => name === 'chat', {}),
      ['REDIS_URL: is required by subgraphs.reviews.subscriptions.upstream'],
    );
    const folder = mkdtempSync(join(tmpdir(), 'veza-config-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, text('chat: { subscriptions: { upstream: polls } }'));
    assert.throws(
      () => readSettings(['--config', file], {}),
      /REDIS_URL: is required by subgraphs\.chat.*\n.*INTERNAL_SECRET/,
    );
    const refused = {
      'all: { subscriptions: { upstream: topics } }':
        /^subgraphs\.all\.subscriptions\.upstream: must be socket or polls/,
      'a: { subscriptions: { upstream: topics } }':
        /^subgraphs\.a\.subscriptions\.topics: is required by upstream: topics/,
      'a: { subscriptions: { upstream: polls, topics: { x: "t" } } }':
        /topics: says nothing without upstream: topics/,
      'a: { subscriptions: { upstream: pull } }': /upstream: must be socket, polls or topics/,
      'a: { subscriptions: { pollMs: 1 } }': /^subgraphs\.a\.subscriptions\.pollMs: /,
      'a: { subscriptions: { upstream: topics, topics: { "x y": "t" } } }': /topics\.x y: is no field name/,
    };
    for (const [subgraphs, pattern] of Object.entries(refused))
      assert.throws(
        () => parseConfig(text(subgraphs), 'veza.yaml'),
        ({ problems }: ConfigError) => problems.length === 1 && pattern.test(problems[0] ?? ''),
        subgraphs,
      );
  });

  test('refuses templates of topics by which one client could reach what is meant for others', () => {
    const problemsOf = (a: object, b: object = {}) => {
      const of = (topics: object) => ({
        subscriptions: { upstream: 'topics', topics: { z: 'z', ...topics } },
      });
      try {
        parseConfig(JSON.stringify({ subgraphs: { a: of(a), b: of(b) } }), 'veza.yaml');
        return [];
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        return error.problems.map((problem) =>
          problem.replace(/^subgraphs\.(\w)\.subscriptions\.topics\./, '$1.'),
        );
      }
    };
    const malformed = {
      '{id}': /begin with text of its own/,
      '': /begin with text of its own/,
      'a.{id}{lang}': /separate arguments/,
      'a.{id}-{lang}': /separate arguments/,
      'a.{id': /a brace that is not/,
      'a.{i d}': /no topic may have/,
      'a%2E{id}': /no topic may have/,
      'a b': /no topic may have/,
      'veza:live:room:{id}': /the platform itself/,
    };
    for (const [template, pattern] of Object.entries(malformed))
      assert.match(problemsOf({ x: template }).join(), pattern, template);
    const apart = [
      ['review.{id}', 'review.{id}.{lang}'],
      ['review.added.{id}', 'review.deleted.{id}'],
      ['review:{id}', 'review.{id}'],
      ['review-{id}.x', 'review-{id}.y'],
      ['review.{id}', 'review'],
      ['review.{id}', 'review.{other}'],
      ['re{id}', 'xe{id}'],
    ];
    for (const [x, y] of apart) assert.deepEqual(problemsOf({ x }, { y }), [], `${x} and ${y}`);
    const alike = [
      ['review.{id}', 'review.added'],
      ['review.{id}.added', 'review.{id}.{what}'],
      ['review.a{id}', 'review.{id}'],
      ['review-{id}', 'review-added'],
      ['review.{id}x', 'review.a{id}'],
    ];
    for (const [x, y] of alike) {
      const expected = ['b.y: can mean a topic of subgraphs.a.subscriptions.topics.x'];
      assert.deepEqual(problemsOf({ x }, { y }), expected, `${x} and ${y}`);
    }
  });

  test('that is no YAML, no map or not there is refused with what is wrong with it', () => {
    assert.throws(() => parseConfig('a: [1\nb: 2', 'veza.yaml'), /at line \d+, column \d+/);
    assert.throws(() => parseConfig('- 1', 'veza.yaml'), ConfigError);
    assert.throws(() => readConfig('/missing.yaml'), /missing\.yaml is not usable/);
  });

  test('ignores in requests of clients the headers that it ignores for every subgraph', () => {
    const ignored = (text: string) => ignoredByAll(parseConfig(text, 'veza.yaml'));
    assert.deepEqual(ignored(''), SUBGRAPH_DEFAULTS.dedup.ignoreHeaders);
    assert.deepEqual(
      ignored(
        'subgraphs: { all: { dedup: { ignoreHeaders: [traceparent, x-app-version] } }, goods: { dedup: { ignoreHeaders: [traceparent] } } }',
      ),
      ['traceparent'],
    );
  });

  test('hides the names of all subgraphs but those that say otherwise', () => {
    const isHidden = hiddenServices(
      parseConfig(
        'subgraphs: { all: { errors: { hideService: true } }, shown: { errors: { hideService: false } } }',
        'veza.yaml',
      ),
    );
    assert.deepEqual([isHidden?.('goods'), isHidden?.('shown')], [true, false]);
    assert.equal(hiddenServices(readConfig(undefined)), undefined);
  });
});

/** Every number and flag with its name, as text. */
function leaves(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, child]): [string, string][] => {
    if (typeof child === 'object' && child !== null) return leaves(child, `${prefix}${key}.`);
    return /^(number|boolean)$/.test(typeof child) ? [[`${prefix}${key}`, String(child)]] : [];
  });
}
