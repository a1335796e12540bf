// Package notify tells people what concerns them: each has an inbox, which is a
// log of the store, written in the same act as the change that it tells of. How
// else a person is reached (SMS, WeChat) is the business of notifiers that follow
// the inboxes; a room that has something to tell needs only [Tell].
//
// An inbox entry holds ids, states and reasons, never personal data in the clear.
package notify

import (
	"context"
	"encoding/json"

	"hezuo/store"
)

// inboxPrefix begins the name of every inbox.
const inboxPrefix = "inbox/"

// InboxLog names a person's inbox.
func InboxLog(person string) string { return inboxPrefix + person }

// Tell adds an entry for each person's inbox to those of a change. Where there is
// no change there is nothing to tell.
func Tell(entries []store.Entry, people []string, kind string, body any) []store.Entry {
	if len(entries) == 0 || len(people) == 0 {
		return entries
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic("notify: " + err.Error()) // a defect of the caller: bodies are plain values
	}
	for _, p := range people {
		entries = append(entries, store.Entry{Log: InboxLog(p), Kind: kind, Body: b})
	}
	return entries
}

// Inboxes reads people's inboxes.
type Inboxes struct{ db store.DB }

// NewInboxes gives the inboxes of a store.
func NewInboxes(db store.DB) *Inboxes { return &Inboxes{db} }

// Read gives up to limit entries of a person's inbox with numbers above after.
func (i *Inboxes) Read(ctx context.Context, person string, after int64, limit int) ([]store.Record, error) {
	return i.db.Read(ctx, InboxLog(person), after, limit)
}
