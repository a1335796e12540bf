package market

import (
	"context"
	"time"

	"hezuo/identity"
	"hezuo/store"
	"hezuo/vault"
)

// Board keeps the market's documents: markets, parties, jobs and teams. Every
// method that changes something takes who asks and the command of their act, and
// checks the owner on the document itself.
type Board struct {
	markets *store.Collection[Market]
	parties *store.Collection[Party]
	// Jobs and Teams are open to the room matching, which keeps in them what they
	// remember of a handshake, by their own methods.
	Jobs  *store.Collection[Job]
	Teams *store.Collection[Team]

	vault *vault.Vault
	now   func() time.Time
}

// Config is what a [Board] needs. All of it is required.
type Config struct {
	DB    store.DB
	Vault *vault.Vault
	Now   func() time.Time
}

// NewBoard opens the board of a store.
func NewBoard(ctx context.Context, cfg Config) (*Board, error) {
	b := &Board{vault: cfg.Vault, now: cfg.Now}
	var err error
	if b.markets, err = store.Open(ctx, cfg.DB, store.Spec[Market]{Name: "markets", Indexes: []store.Index[Market]{
		{Name: "operator", Version: 1, Keys: func(_ string, m *Market) []store.Key { return keys(m.Operators) }},
	}}); err != nil {
		return nil, err
	}
	if b.parties, err = store.Open(ctx, cfg.DB, store.Spec[Party]{Name: "parties", Indexes: []store.Index[Party]{
		{Name: "person", Version: 1, Keys: func(_ string, p *Party) []store.Key { return keys(p.People) }},
		{Name: "credit_code", Version: 1, Unique: true, Keys: func(_ string, p *Party) []store.Key {
			if p.CreditCode == "" {
				return nil
			}
			return []store.Key{store.K(p.CreditCode)}
		}},
		{Name: "state", Version: 1, Keys: func(_ string, p *Party) []store.Key {
			return []store.Key{store.K(p.Market, string(p.State), p.Created)}
		}},
	}}); err != nil {
		return nil, err
	}
	if b.Jobs, err = store.Open(ctx, cfg.DB, jobSpec()); err != nil {
		return nil, err
	}
	if b.Teams, err = store.Open(ctx, cfg.DB, teamSpec()); err != nil {
		return nil, err
	}
	return b, nil
}

func keys(ids []string) []store.Key {
	out := make([]store.Key, len(ids))
	for i, id := range ids {
		out[i] = store.K(id)
	}
	return out
}

// Collections lists the room's collections, for the check.
func (b *Board) Collections() []store.Checked {
	return []store.Checked{b.markets, b.parties, b.Jobs, b.Teams}
}

// Caller gives all that decides what a person may do now.
func (b *Board) Caller(ctx context.Context, p identity.Principal) (Caller, error) {
	c := Caller{
		Person: p.Person, Session: p.Session,
		Admin: p.Has(identity.Admin), Auditor: p.Has(identity.Auditor),
		Parties: map[string]PartyKind{}, Operates: map[string]bool{},
	}
	err := b.parties.Each(ctx, store.Range{Index: "person", Prefix: store.K(p.Person)}, func(it store.Item[Party]) error {
		c.Parties[it.ID] = it.Doc.Kind
		return nil
	})
	if err != nil {
		return c, err
	}
	return c, b.markets.Each(ctx, store.Range{Index: "operator", Prefix: store.K(p.Person)}, func(it store.Item[Market]) error {
		c.Operates[it.ID] = true
		return nil
	})
}
