// gramjs as a person, in groups and channels with our own bot: writes to it and gets its answers.
import { Api, NewMessage, freshSession, makeClient } from './gramjs_client.mjs'
import { botIsThere, botName, heard, phone, shownCode } from './rooms.mjs'
import { Inbox, equal, finish, step } from './steps.mjs'

const client = makeClient(freshSession())
const inbox = new Inbox()

await step('bot_is_there', botIsThere)
await step('person_login', async () => {
  await client.start({
    phoneNumber: phone,
    phoneCode: shownCode,
    firstAndLastNames: async () => ['Interop', 'Person'],
    onError: error => { throw error }
  })
  client.addEventHandler(event => inbox.put(event.message), new NewMessage({ incoming: true }))
  equal((await client.getMe()).firstName, 'Interop', 'first name')
})
let bot
await step('resolve_bot', async () => { bot = await client.getInputEntity(botName) })

// Newer layers put the updates into `messages.invitedUsers`.
const chatIn = made => (made.updates?.chats ?? made.chats)[0]

await step('group_answer', async () => {
  const group = chatIn(await client.invoke(new Api.messages.CreateChat({ title: 'A group', users: [bot] })))
  await client.sendMessage(new Api.InputPeerChat({ chatId: group.id }), { message: '/hello from a group' })
  const answer = await heard(inbox, 'Echo: /hello from a group')
  equal(String(answer.peerId.chatId), String(group.id), 'chat')
})
await step('supergroup_answer', async () => {
  const room = chatIn(await client.invoke(new Api.channels.CreateChannel({
    megagroup: true, title: 'A supergroup', about: 'of gramjs'
  })))
  await client.invoke(new Api.channels.InviteToChannel({ channel: room, users: [bot] }))
  await client.sendMessage(room, { message: `@${botName}, and from here?` })
  const answer = await heard(inbox, `Echo: @${botName}, and from here?`)
  equal(String(answer.peerId.channelId), String(room.id), 'chat')
})
await step('channel_answer', async () => {
  const channel = chatIn(await client.invoke(new Api.channels.CreateChannel({
    broadcast: true, title: 'A channel', about: 'of gramjs'
  })))
  await client.invoke(new Api.channels.EditAdmin({
    channel, userId: bot, adminRights: new Api.ChatAdminRights({ postMessages: true }), rank: ''
  }))
  await client.sendMessage(channel, { message: 'a post' })
  const answer = await heard(inbox, 'Echo: a post')
  equal(String(answer.peerId.channelId), String(channel.id), 'chat')
  equal(answer.post, true, 'post')
})
await client.destroy()
finish()
