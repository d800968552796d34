// What js-libp2p uses of the language that Node 20 lacks. Imported before everything else.

Promise.withResolvers ??= function () {
  const made = {}
  made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}
