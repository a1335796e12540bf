// Package vault keeps what must stay secret: names, phones, identity numbers,
// accounts, the text of talks. It seals a value under a key of the one person or
// party it is about, finds a sealed value again by a keyed hash, hands the clear
// text out as an act with a purpose in the audit trail, and makes a person's
// data unreadable for ever by destroying one key.
//
//	master key (KMS, outside the store)
//	  └ wraps a data key for each owner   collection vault_keys, one document an owner
//	  │   └ seals the owner's fields       in the documents of the other rooms
//	  └ wraps the key of the hashes       collection vault_house, one document
//
// The law it serves: 个人信息保护法 51 (encryption and de-identification as
// security measures), 28 to 30 (sensitive personal information), 47 (deletion),
// 54 and 55 (audit, and the record of how sensitive data are handled).
//
// # What must not happen here
//
// No clear text is kept, cached or logged, and no error holds any. No owner id
// and no field name may be personal data themselves: both stand in the audit
// trail. The vault decides nothing about who may see what: the room that calls
// Open or Reveal has decided that.
//
// # What another node sees
//
// An opened data key stays in memory for at most [MaxCacheFor]. A node on which
// Destroy was called forgets the key at once. Another node that has the key in
// its memory goes on to Open, and to Seal, with it until its own copy is too
// old; what it seals in that time nobody can open afterwards, as is meant for the
// data of somebody who was deleted. Reveal reads the key's document each time
// and so refuses at once, on every node.
//
// # Rotation of the master key
//
//  1. Give every node the new master key as an older one beside the current one
//     (a KMS opens with all it holds, and wraps with the current one only).
//  2. Make the new one current on every node, the former an older one.
//  3. Call Rewrap until it has nothing left to do; Check counts what is left.
//  4. Take the former away and destroy it. Copies of the store made before then
//     can no longer be opened by anyone.
//
// # Copies of the store
//
// Destroy removes the wrapped key from the document. A backup made before holds
// it still, and so, until they are overwritten, may the write-ahead log and the
// free pages of the database's file. Two things end that: backups are not kept
// longer than the privacy notice says, and after a restore the deletions that
// came after the backup are repeated before the store is used.
package vault
