// gramjs against a server, the same steps.
import { Api, NewMessage, StringSession, freshSession, makeClient } from './gramjs_client.mjs'
import { Inbox, botId, equal, finish, settings, step } from './steps.mjs'

const client = makeClient(freshSession())
const inbox = new Inbox()

await step('connect', async () => { equal(await client.connect(), true, 'connected') })
await step('get_config', async () => {
  const config = await client.invoke(new Api.help.GetConfig())
  equal(config.thisDc, settings.dc, 'this_dc')
})
await step('bot_login', async () => {
  await client.signInBot({ apiId: settings.apiId, apiHash: settings.apiHash },
    { botAuthToken: settings.token })
  client.addEventHandler(event => inbox.put(event.message), new NewMessage({ incoming: true }))
})
await step('get_me', async () => {
  const me = await client.getMe()
  equal(Number(me.id), botId, 'id')
  equal(me.bot, true, 'bot')
})
let peer
await step('resolve_peer', async () => {
  peer = await client.getInputEntity(settings.peer)
  equal(peer.className, 'InputPeerUser', 'kind of peer')
})
let sent
await step('send_message', async () => {
  sent = await client.sendMessage(peer, { message: 'plain and **bold**', parseMode: 'md' })
  equal(sent.message, 'plain and bold', 'text')
  const entities = sent.entities.map(e => `${e.className}@${e.offset}+${e.length}`)
  equal(entities.join(), 'MessageEntityBold@10+4', 'entities')
})
await step('receive_update', async () => {
  const answer = await inbox.take()
  return `from ${answer.senderId}: ${answer.message.length} characters`
})
await step('edit_message', async () => {
  const edited = await client.editMessage(peer, { message: sent.id, text: 'changed' })
  equal(edited.message, 'changed', 'text')
})
await step('error_reply', async () => {
  try {
    await client.invoke(new Api.contacts.ResolveUsername({ username: 'nobody_has_this_name' }))
  } catch (error) {
    equal(error.code, 400, 'code')
    return error.errorMessage
  }
  throw new Error('an unknown name was resolved')
})
await step('resume_session', async () => {
  const saved = client.session.save()
  await client.destroy()
  const again = makeClient(new StringSession(saved))
  await again.connect()
  const me = await again.getMe()
  equal(Number(me.id), botId, 'id')
  await again.destroy()
})
finish()
