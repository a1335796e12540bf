// Package identity knows the people: who they are, how they prove it, and with
// which keys they sign. A person signs in with a code sent to a phone, gets a
// session of short access tokens and a refresh token that changes at each use,
// and registers keys that never leave a device for signing agreements.
//
//	people      one document a person: sealed phone and name, platform-wide roles, device keys
//	sessions    one a sign-in: the sealed secret its refresh tokens are made of
//	codes       one a phone and purpose: the keyed hash of the code that was sent last
//	tickets     one a ticket that was redeemed, so that it is not redeemed again
//	token_keys  one document: the keys that access tokens are signed with
//
// # What must not happen here
//
// The package knows nothing of HTTP requests, of employers, cooperatives and
// markets: who leads or operates what is known to the rooms behind it. No phone,
// name, code or token stands in an error, a log, an audit entry or an id. No
// answer tells whether a phone number is known to the house.
//
// Acts take their time from their command's At, everything else from Config.Now.
// Who may call what is decided by the caller, except where a [Principal] is
// asked for: such a method touches what is the principal's own and nothing else.
//
// # A phone number passes to another person
//
// Operators give numbers of the mainland to somebody else after some months. The
// number is the way in: its new holder can sign in, is to the house the person
// who was there before, and sees what that person saw. The house cannot tell the
// two apart, so it keeps from the new holder what cannot be taken back, signing:
//
//   - A signature needs a device key, and the old one never left the old device.
//   - A new key on an account that has or ever had one is usable after a day
//     ([DeviceDelay]), or at once when a key that is usable vouches for it by a
//     signature of its own. To revoke the old keys first does not shorten that.
//   - The person's inbox is told in the same write, so the old device, whose
//     session is still good, shows it and can revoke the new key in time.
//   - What was signed stays bound to the key that signed it: [Binding] says how
//     that key was proven, and so whether somebody waited the day out.
//
// An account that never had a key has never signed anything; its first key is
// usable at once, whoever holds the phone now. An account does not change its
// number: with a new number one is a new person to the house, whose standing in a
// cooperative or at an employer is given anew by the people there.
package identity
