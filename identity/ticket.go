package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"hezuo/store"
)

// TicketFor is the life of a ticket.
const TicketFor = 30 * time.Second

// ticketKeep is how long it is remembered that a ticket was redeemed: longer than
// any node's clock may be behind.
const ticketKeep = 10 * time.Minute

// ticketDoc says that a ticket was redeemed.
type ticketDoc struct {
	Expires time.Time `json:"expires"` // when that can be forgotten
}

func ticketSpec() store.Spec[ticketDoc] {
	return store.Spec[ticketDoc]{
		Name:      "tickets",
		Unaudited: "a ticket only carries a session into a socket; the session has a trail",
		Indexes: []store.Index[ticketDoc]{
			{Name: "expires", Version: 1, Keys: func(_ string, d *ticketDoc) []store.Key {
				return []store.Key{store.K(d.Expires)}
			}},
		},
	}
}

// ticketAudience keeps tickets and access tokens from standing for each other.
func (s *Service) ticketAudience() string { return s.cfg.Audience + "/socket" }

// Ticket gives what opens a socket for the principal, once, within [TicketFor].
// It may stand in a URL: by the time a log is read it is worth nothing.
func (s *Service) Ticket(ctx context.Context, p Principal, now time.Time) (string, error) {
	id, err := s.newID("t")
	if err != nil {
		return "", err
	}
	text, _, err := s.sign(ctx, now, TicketFor, claims{
		RegisteredClaims: jwt.RegisteredClaims{ID: id, Subject: p.Person, Audience: jwt.ClaimStrings{s.ticketAudience()}},
		Session:          p.Session, Roles: p.Roles,
	})
	return text, err
}

// Redeem uses a ticket up and tells who holds it. Of several who redeem one, on
// any nodes, one succeeds. Errors: an [fault.Unauthenticated] fault for a ticket
// that is none, over, or used, or whose session is over.
func (s *Service) Redeem(ctx context.Context, ticket string) (Principal, error) {
	c, err := s.verify(ctx, ticket, s.ticketAudience())
	if err != nil {
		return Principal{}, err
	}
	if c.ID == "" || c.ExpiresAt == nil {
		return Principal{}, errToken
	}
	// A command of its own for each call: none is the repeat of another.
	call, err := s.newID("redeem/")
	if err != nil {
		return Principal{}, err
	}
	// By the ticket's id and not its text, which could be written in other ways.
	sum := sha256.Sum256([]byte(c.ID))
	cmd := store.Command{ID: call, Actor: c.Subject, From: c.Session, At: s.cfg.Now()}
	_, err = s.tickets.Create(ctx, hex.EncodeToString(sum[:]), cmd, func(d *ticketDoc) ([]store.Entry, error) {
		d.Expires = c.ExpiresAt.Add(ticketKeep).UTC()
		return nil, nil
	})
	if errors.Is(err, store.ErrExists) {
		return Principal{}, errToken
	}
	if err != nil {
		return Principal{}, err
	}
	return s.principal(ctx, c)
}
