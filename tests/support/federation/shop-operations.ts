/** One of each kind of operation on the shop. */
export const SHOP_OPERATIONS: readonly [name: string, query: string, variables?: Record<string, unknown>][] =
  [
    ['one fetch', '{ me { id name email manager { name } } }'],
    ['a join over three subgraphs', '{ me { name reviews { body product { name price } } email } }'],
    ['aliases at every level', '{ a: me { b: name c: friends { d: id name: email } } b: me { name: id } }'],
    [
      'fragments in the order of the client',
      'query { ...Q } fragment Q on Query { users { ...B ...A } } fragment A on User { id name } fragment B on User { reviews { stars } name }',
    ],
    [
      'unions',
      '{ search(text: "x") { __typename ... on Book { pages author { name email } } ... on User { favourite { name reviews { body } } } ... on Lamp { freight size { width } } } }',
    ],
    [
      'a union of which one member is asked for',
      '{ search(text: "x") { ... on User { name parcels { id } } } }',
    ],
    ['an empty list', '{ search(text: "none") { __typename } }'],
    [
      'interfaces with fragments on implementations',
      '{ products { name __typename ... on Book { pages freight } ... on Lamp { freight taxed } } }',
    ],
    ['an interface that is an object elsewhere', '{ products(first: 2) { name reviews { body } rating } }'],
    [
      'an object whose type another subgraph knows',
      '{ reviews { product { __typename name ... on Lamp { taxed } } } }',
    ],
    [
      'an object whose type only a skipped field asks for',
      '{ reviews { product { ... on Book { name @skip(if: true) } id } } }',
    ],
    [
      'an object whose type nobody asks for',
      '{ reviews { product { rating reviews(first: 1) { stars } } } }',
    ],
    [
      'types under an alias only',
      '{ reviews { product { kind: __typename } } search(text: "x") { t: __typename } }',
    ],
    ['nested lists with nulls', '{ shelf { name reviews { body author { name } } } }'],
    ['nulls in lists', '{ me { reviews { body } friends { friends { name } reviews { stars } } } }'],
    ['shared values of two subgraphs', '{ users { address { city zip } reviews { id } } }'],
    ['fields that another subgraph took over', '{ users { id name } me { email } }'],
    ['provided fields', '{ products { ... on Book { author { name reviews { id } } } } }'],
    ['required objects', '{ products { ... on Lamp { freight taxed } } }'],
    ['an enum', '{ products { ... on Book { kind } } }'],
    [
      'conditions by variable',
      'query($yes: Boolean!, $no: Boolean = false) { me { name @include(if: $yes) email @skip(if: $yes) ... @include(if: $no) { reviews { id } } ... @skip(if: $no) { friends { name } } } }',
      { yes: true },
    ],
    [
      'conditions around other subgraphs',
      'query($r: Boolean = true, $p: Boolean!) { me { id reviews @include(if: $r) { id product @skip(if: $p) { name } } } }',
      { p: false },
    ],
    ['a selection that is skipped whole', '{ me @skip(if: true) { name } }'],
    [
      'variables in nested arguments',
      'query($n: Int) { products(first: $n) { reviews(first: $n) { id } } }',
      { n: 1 },
    ],
    ['a variable that is left out', 'query($n: Int) { products(first: $n) { name } }'],
    ['a missing entity', '{ search(text: "x") { ... on Lamp { maker { name reviews { id } } } } }'],
    ['an error at a nullable field', '{ users { name email } }'],
    ['an error at a field that must not be null', '{ search(text: "x") { ... on Lamp { name watts } } }'],
    [
      'a null that bubbles out of another subgraph',
      '{ search(text: "x") { ... on Lamp { reviews { id stars } } } }',
    ],
    [
      'mutations',
      'mutation { a: rename(id: "u1", name: "A") { name reviews { id } } b: touch(id: "b1") { name rating } c: rename(id: "u2", name: "B") { email } }',
    ],
    // Each of these was answered wrongly by a plan as it comes.
    [
      'a known type that an interface object is asked for',
      '{ users { favourite { ... on Lamp { rating __typename } } } }',
    ],
    [
      'one response name with arguments that differ by type',
      '{ products { ... on Book { reviews(first: 0) { id } } ... on Lamp { reviews(first: 1) { id } } } }',
    ],
    [
      'a required field whose neighbour is excluded',
      'query($no: Boolean = false) { products { ... on Lamp @include(if: $no) { taxed } ... on Lamp { freight } } }',
    ],
    [
      'objects of which everything is excluded',
      'query($no: Boolean = false) { reviews @skip(if: $no) { id @include(if: $no) } }',
    ],
    ['types of roots', '{ __typename me { __typename } }'],
    ['only the type of the root', '{ __typename t: __typename }'],
    [
      'introspection beside data',
      '{ __schema { queryType { name } } u: __type(name: "User") { fields { name } } me { name } }',
    ],
    [
      'introspection beside fields that must not be null',
      'query($name: String!) { ...Q products { name } } fragment Q on Query { kind: __type(name: $name) { kind } }',
      { name: 'Product' },
    ],
    [
      'a query on an interface field',
      '{ node(id: "u2") { __typename id ... on User { reviews { id } name } } }',
    ],
  ];
