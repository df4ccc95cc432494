// Hive Gateway as it comes, with the one rule that every measured gateway gets: authorization goes to the subgraphs.
export const gatewayConfig = {
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => {
      const authorization = request.headers.get('authorization');
      return authorization ? { authorization } : undefined;
    },
  },
};
