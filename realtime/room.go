package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/notify"
	"hezuo/store"
	"hezuo/vault"
)

// MaxText is the longest message, characters.
const MaxText = 2000

// textField is the vault's name for one message of a room.
func textField(log, id string) string { return "message/" + log + "/" + id }

// KindSay is the kind of entry that somebody said. All other kinds are what the
// handshake said.
const KindSay = "say"

// Screener looks at what people write before others read it; a refusal is a fault
// that says why.
type Screener interface {
	Screen(ctx context.Context, kind, text string) error
}

// Rooms keeps the negotiation rooms.
type Rooms struct {
	db         store.DB
	vault      *vault.Vault
	handshakes *matching.Handshakes
	screen     Screener
	now        func() time.Time
}

// RoomsConfig is what [Rooms] needs. Screen may be nil: then nothing is screened.
type RoomsConfig struct {
	DB         store.DB
	Vault      *vault.Vault
	Handshakes *matching.Handshakes
	Screen     Screener
	Now        func() time.Time
}

// NewRooms gives the rooms of a store.
func NewRooms(cfg RoomsConfig) *Rooms {
	return &Rooms{db: cfg.DB, vault: cfg.Vault, handshakes: cfg.Handshakes, screen: cfg.Screen, now: cfg.Now}
}

// said is the body of a [KindSay] entry as it is stored.
type said struct {
	By   string        `json:"by"`
	As   matching.Role `json:"as"`
	Text vault.Sealed  `json:"text"`
}

// Said is the body of a [KindSay] entry as people see it.
type Said struct {
	By     string        `json:"by"`
	As     matching.Role `json:"as"`
	Text   string        `json:"text"`
	Erased bool          `json:"erased,omitempty"` // its author's data was deleted
}

// Enter checks that a caller may be in a room, and gives its handshake. Errors:
// [store.ErrNotFound]; a [fault.Conflict] while there is no room yet.
func (r *Rooms) Enter(ctx context.Context, by market.Caller, handshake string) (store.Item[matching.Handshake], error) {
	it, err := r.handshakes.Get(ctx, by, handshake)
	if err != nil {
		return it, err
	}
	if len(it.Doc.Roles(by)) == 0 && !by.Auditor {
		return it, store.ErrNotFound // an operator comes in only when asked
	}
	if it.Doc.Newest() == nil {
		return it, fault.New(fault.Conflict, "there is no room before both sides have said yes").WithFix("wait for the offer to be accepted")
	}
	return it, nil
}

// Say adds a message to a room and gives its number. id is the client's own: a
// repeat gives the number that the message has. Errors: a fault on "text";
// [store.ErrSealed] when the handshake has ended; what the screener says.
func (r *Rooms) Say(ctx context.Context, by market.Caller, handshake, id, text string, now time.Time) (int64, error) {
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case n == 0 || !utf8.ValidString(text):
		return 0, fault.Field("text", "there is nothing in the message", "write 1 to 2000 characters")
	case n > MaxText:
		return 0, fault.Field("text", "the message is too long", "write 1 to 2000 characters")
	}
	it, err := r.Enter(ctx, by, handshake)
	if err != nil {
		return 0, err
	}
	roles := it.Doc.Roles(by)
	if len(roles) == 0 {
		return 0, fault.New(fault.Forbidden, "only the two parties talk here")
	}
	if it.Doc.State.Over() {
		return 0, store.ErrSealed
	}
	if r.screen != nil {
		if err := r.screen.Screen(ctx, "message", text); err != nil {
			return 0, err
		}
	}
	log, entry := matching.RoomLog(handshake), by.Person+"/"+id
	sealed, err := r.vault.Seal(ctx, by.Person, textField(log, entry), text)
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(said{By: by.Person, As: roles[0], Text: sealed})
	if err != nil {
		return 0, fmt.Errorf("message: %w", err)
	}
	return r.db.Append(ctx, store.Entry{
		Log: log, ID: entry, Kind: KindSay, At: now.UTC(), Body: body,
	})
}

// Entry is an entry of a room or an inbox as people see it.
type Entry struct {
	N    int64           `json:"n"`
	Kind string          `json:"kind"`
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body,omitempty"`
}

// Entries gives up to limit entries of a room with numbers above after.
func (r *Rooms) Entries(ctx context.Context, by market.Caller, handshake string, after int64, limit int) ([]Entry, error) {
	if _, err := r.Enter(ctx, by, handshake); err != nil {
		return nil, err
	}
	return r.read(ctx, matching.RoomLog(handshake), after, limit)
}

// Inbox gives up to limit entries of the caller's inbox with numbers above after.
func (r *Rooms) Inbox(ctx context.Context, by market.Caller, after int64, limit int) ([]Entry, error) {
	return r.read(ctx, notify.InboxLog(by.Person), after, limit)
}

// read gives entries of a log, opened. Whoever calls has checked the reader.
func (r *Rooms) read(ctx context.Context, log string, after int64, limit int) ([]Entry, error) {
	records, err := r.db.Read(ctx, log, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(records))
	for i, rec := range records {
		out[i] = Entry{N: rec.N, Kind: rec.Kind, At: rec.At, Body: rec.Body}
		switch rec.Kind {
		case KindSay:
			out[i].Body, err = r.open(ctx, rec)
		case matching.KindTalk, matching.KindPropose:
			out[i].Body, err = r.proposal(ctx, rec)
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d of %s: %w", rec.N, log, err)
		}
	}
	return out, nil
}

// Proposed is the body of an entry that put terms forward as people see it.
type Proposed struct {
	matching.News
	Terms *matching.Proposal `json:"terms"`
}

// proposal adds the terms to an entry that put them forward: they stand in the
// handshake. In an inbox the entry names no terms, and stays as it is.
func (r *Rooms) proposal(ctx context.Context, rec store.Record) (json.RawMessage, error) {
	var said matching.RoomNews
	if err := json.Unmarshal(rec.Body, &said); err != nil {
		return nil, err
	}
	if said.Terms == nil {
		return rec.Body, nil
	}
	it, err := r.handshakes.Collection().Get(ctx, said.Handshake)
	if err != nil {
		return nil, err
	}
	for i := range it.Doc.Proposed {
		if it.Doc.Proposed[i].N == said.Terms.N {
			return json.Marshal(Proposed{News: said.News, Terms: &it.Doc.Proposed[i]})
		}
	}
	return nil, fmt.Errorf("there is no revision %d of the terms", said.Terms.N)
}

// open unseals a message.
func (r *Rooms) open(ctx context.Context, rec store.Record) (json.RawMessage, error) {
	var s said
	if err := json.Unmarshal(rec.Body, &s); err != nil {
		return nil, err
	}
	text, err := r.vault.Open(ctx, s.By, textField(rec.Log, rec.ID), s.Text)
	erased := errors.Is(err, vault.ErrDestroyed)
	if err != nil && !erased {
		return nil, err
	}
	return json.Marshal(Said{By: s.By, As: s.As, Text: text, Erased: erased})
}

// Check is the room's part of the check: every room's log begins with the opening
// of its handshake, is gapless, and ends with the seal if the handshake ended.
func (r *Rooms) Check(ctx context.Context, report *store.Report) error {
	const invariant = "a room's log has no gaps and one order, and ends with its handshake"
	return r.handshakes.Collection().Each(ctx, store.Range{}, func(it store.Item[matching.Handshake]) error {
		log := matching.RoomLog(it.ID)
		heads, err := r.db.Logs(ctx, log, "", 1)
		if err != nil {
			return err
		}
		if len(heads) > 0 && heads[0].Log != log {
			heads = nil
		}
		opened := it.Doc.Newest() != nil
		switch {
		case len(heads) == 0 && opened:
			report.Find(invariant, log, "the handshake came to negotiation and has no room")
		case len(heads) == 0:
		case !opened:
			report.Find(invariant, log, "there is a room, and the handshake never came to negotiation")
		case heads[0].Sealed != it.Doc.State.Over():
			report.Find(invariant, log, "sealed is %v, the handshake is %s", heads[0].Sealed, it.Doc.State)
		}
		report.Count("rooms", len(heads))
		return nil
	})
}
