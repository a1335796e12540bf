// Package agreement turns terms that both sides of a handshake have accepted into
// a service agreement (劳务服务协议, 意见二（四）) that both have signed, and that
// anybody can verify, offline and for ever.
//
//	contract          what is signed: canonical bytes (RFC 8785) with the accepted terms, to the byte
//	signature         a person's, for one party: ES256 by a key that never left their device
//	countersignature  the house's: Ed25519 over the hashes of all the rest, with the times
//	file              all of it, and what the parties may see beside, in one canonical JSON
//
//	agreements             one document an agreement, written once
//	agreement_disclosures  one a handshake: the sealed values that its contracts commit to
//	platform_keys          one document: the keys of the house's countersignature
//
// # The law it serves
//
// 电子签名法 13 calls a signature reliable when four things hold. (1) The key is the
// signer's own: a device key belongs to one person for ever, and a [Binding] says
// how that was proven. (2) The signer alone controls it: it cannot be taken out of
// the device, and the house never has it. (3), (4) Any change of the signature, or
// of what is signed, can be found out: [VerifyFile] refuses every file but the
// genuine one, to the byte. 电子签名法 6 asks that sender, receiver and time can be
// seen: they stand in the protected headers and in the countersignature.
//
// The contract is for labour service and never for labour dispatch: the sentence
// that says so (意见二（一）) is part of what is signed.
//
// # Personal data
//
// What a contract says of a person in clear is what the market shows anyway: ids,
// an organisation's registered name and credit code, an individual's masked name.
// Of a full name, an identity number, a legal representative it holds a salted
// commitment. The values are sealed under the party's own key; they leave the
// house only for the two parties' people, and for an auditor by a logged act
// (个人信息保护法 44, 47, 54). When a party's key is destroyed, its values are gone
// and the agreement still verifies.
//
// # Versions
//
// What version 1 of a contract, a header, a countersignature and a file is, is
// frozen in this package, down to the types of the terms: an agreement must verify
// when the market's nouns have long changed. Whoever needs another form adds a
// version 2 beside it; testdata/agreement-v1.hezuo.json must verify for ever.
//
// # What must not happen here
//
// An agreement is never changed: the collection is held by an interface that has
// no way to. An amendment is a new agreement, and the state of the work is the
// handshake's. The house countersigns nothing that its own verifier refuses.
package agreement
