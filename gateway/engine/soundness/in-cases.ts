import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { Kind, visit, type ASTNode, type DirectiveNode, type SelectionNode } from 'graphql';
import { privateVariable } from '../private-names.ts';
import { conditionVariables, type OperationAst } from '../projection/selection.ts';
import { TYPE_NAME_FIELD } from './early-fields.ts';

type Plan = PlanNode | SubscriptionNode | undefined;

/** Two plans, for each value of one of the operation's conditions; null where it has none, or where one of them is not to be had. */
export function inCases(ast: OperationAst, plan: (ast: OperationAst) => Plan | null): Plan | null {
  const [variable] = conditionVariables(ast);
  if (variable === undefined) return null;
  // Planning is dear: the second is not planned where the first is not to be had.
  const ifClause = plan(decided(ast, variable, true));
  if (ifClause === null || ifClause?.kind === 'Subscription') return null;
  const elseClause = plan(decided(ast, variable, false));
  if (elseClause === null || elseClause?.kind === 'Subscription') return null;
  return { kind: 'Condition', condition: privateVariable(variable), ifClause, elseClause };
}

/** The operation as it is where the variable has that value. */
function decided({ operation, fragments }: OperationAst, variable: string, value: boolean): OperationAst {
  const inSelection = <S extends SelectionNode>(node: S) => {
    const own = node.directives?.filter((directive) => dependsOn(directive, variable)) ?? [];
    if (own.some(({ name }) => (name.value === 'include') !== value)) return null;
    const directives = node.directives?.filter((directive) => !own.includes(directive));
    return own.length > 0 ? { ...node, directives } : undefined;
  };
  const decide = <N extends ASTNode>(definition: N): N =>
    visit(definition, {
      Field: inSelection,
      InlineFragment: inSelection,
      FragmentSpread: inSelection,
      SelectionSet: {
        leave: (set) => (set.selections.length > 0 ? undefined : { ...set, selections: [TYPE_NAME_FIELD] }),
      },
    });
  const all = [...fragments].map(([name, fragment]) => [name, decide(fragment)] as const);
  return { operation: decide(operation), fragments: new Map(all) };
}

const dependsOn = ({ name, arguments: given }: DirectiveNode, variable: string): boolean =>
  (name.value === 'skip' || name.value === 'include') &&
  given?.[0]?.value.kind === Kind.VARIABLE &&
  given[0].value.name.value === variable;
