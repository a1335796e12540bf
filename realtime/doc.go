// Package realtime is where people talk: the negotiation rooms (洽谈室) that
// handshakes open, and the one websocket a client on which its rooms and its
// inbox come in.
//
// A room is a log of the store. What a handshake says is in it because the
// handshake's own write put it there; what a person says is appended, its text
// sealed. The bus only wakes the nodes; a wake-up that is lost costs time, never
// an entry. What a client has seen it names by a number, and so knows what it
// missed.
//
// Lock order: a feed's lock is taken with no other lock held but the hub's. None
// is held while a frame is sent.
package realtime
