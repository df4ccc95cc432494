import { LivePageController } from './controller.client.ts';

const { graphqlPath = '/graphql', liveRoomId = '' } = document.body.dataset;
void new LivePageController(graphqlPath, liveRoomId).begin();
