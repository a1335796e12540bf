package agreement

import (
	"context"
	"errors"

	"hezuo/fault"
	"hezuo/matching"
	"hezuo/store"
	"hezuo/vault"
)

// disclosuresDoc holds, for one handshake, the values that its contracts commit to,
// by the hex SHA-256 of the contract: a draft may be made anew before it is signed.
type disclosuresDoc struct {
	Drafts map[string][]value `json:"drafts"`
}

// value is one value that a contract commits to, behind its salt, sealed under its
// party's key.
type value struct {
	Role   matching.Role `json:"role"`
	Party  string        `json:"party"`
	Field  string        `json:"field"`
	Sealed vault.Sealed  `json:"sealed"`

	text string // salt and value in clear, on its way into keep
}

func disclosuresSpec() store.Spec[disclosuresDoc] {
	return store.Spec[disclosuresDoc]{
		Name:      "agreement_disclosures",
		Unaudited: "copies of what a party's document held; the contract's commitments prove them",
	}
}

// place names a value to the vault.
func place(handshake, field string) string { return "agreement/" + handshake + "/" + field }

// keep seals a draft's values, once.
func (s *Contracts) keep(ctx context.Context, handshake, draft string, values []value) error {
	it, err := s.disclosures.Get(ctx, handshake)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, kept := it.Doc.Drafts[draft]; kept {
		return nil
	}
	for i, v := range values {
		if values[i].Sealed, err = s.cfg.Vault.Seal(ctx, v.Party, place(handshake, v.Field), v.text); err != nil {
			return err
		}
	}
	cmd := store.Command{ID: "draft/" + draft, Actor: "system:agreement", From: s.cfg.Node, At: s.cfg.Now()}
	_, err = s.disclosures.Put(ctx, handshake, cmd, func(d *disclosuresDoc) ([]store.Entry, error) {
		if d.Drafts == nil {
			d.Drafts = map[string][]value{}
		}
		d.Drafts[draft] = values
		return nil, nil
	})
	return err
}

// forget drops the values of a handshake that ended without an agreement: nobody
// needs them any more (个人信息保护法 47).
func (s *Contracts) forget(ctx context.Context, handshake string) error {
	cmd := store.Command{ID: "forget", Actor: "system:agreement", From: s.cfg.Node, At: s.cfg.Now()}
	return s.disclosures.Delete(ctx, handshake, cmd, func(*disclosuresDoc) ([]store.Entry, error) { return nil, nil })
}

// opener gives a value in clear, as the act that its caller makes of it.
type opener func(v value, place string) (string, error)

// disclose opens a contract's commitments with the values kept for it, for the
// roles asked for. A side whose data were deleted is left out.
func (s *Contracts) disclose(ctx context.Context, c *Contract, draft string, open map[matching.Role]opener) ([]Disclosure, error) {
	it, err := s.disclosures.Get(ctx, c.Handshake)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	var out []Disclosure
	for _, r := range roles {
		if open[r] == nil {
			continue
		}
		side, err := discloseSide(c, r, it.Doc.Drafts[draft], open[r])
		if errors.Is(err, vault.ErrDestroyed) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, side...)
	}
	if checkDisclosures(c, out) != nil {
		return nil, fault.New(fault.Internal, "the values kept for a contract are not those that it commits to")
	}
	return out, nil
}

// discloseSide opens one side's commitments, all of them or none.
func discloseSide(c *Contract, r matching.Role, kept []value, open opener) ([]Disclosure, error) {
	var out []Disclosure
	for _, v := range kept {
		if v.Role != r {
			continue
		}
		text, err := open(v, place(c.Handshake, v.Field))
		if err != nil {
			return nil, err
		}
		if len(text) < saltDigits {
			return nil, fault.New(fault.Internal, "a value was kept without its salt")
		}
		out = append(out, Disclosure{Role: r, Field: v.Field, Salt: text[:saltDigits], Value: text[saltDigits:]})
	}
	return out, nil
}
