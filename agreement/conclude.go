package agreement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/matching"
	"hezuo/notify"
	"hezuo/store"
)

// handle does the room's part for an entry of a market's handshakes: what is signed
// becomes an agreement, and of what ended unsigned nothing is kept.
func (s *Agreements) handle(ctx context.Context, r store.Record) error {
	ref, err := reference(r)
	if err != nil {
		return err
	}
	switch r.Kind {
	case kindHandshakeSigned:
		return s.conclude(ctx, ref.ID)
	case "handshake." + string(matching.Refused), "handshake." + string(matching.Expired),
		"handshake." + string(matching.Overtaken), "handshake." + string(matching.Withdrawn):
		return s.contracts.forget(ctx, ref.ID)
	}
	return nil
}

// kindHandshakeSigned is what the handshakes' feed says when the second side signs.
const kindHandshakeSigned = "handshake." + string(matching.Signed)

// reference reads what a feed's entry refers to.
func reference(r store.Record) (store.Ref, error) {
	var ref store.Ref
	if err := json.Unmarshal(r.Body, &ref); err != nil {
		return ref, fmt.Errorf("feed entry %d of %s: %w", r.N, r.Log, err)
	}
	return ref, nil
}

// conclude makes the agreement of a handshake that both sides have signed. To make
// one that is there is a no-op.
func (s *Agreements) conclude(ctx context.Context, handshake string) error {
	id := ID(handshake)
	if _, err := s.book.Get(ctx, id); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	it, err := s.handshakes.Get(ctx, handshake)
	if err != nil {
		return fmt.Errorf("handshake %s: %w", handshake, err)
	}
	a, err := s.compose(ctx, handshake, &it.Doc)
	if err != nil {
		return fmt.Errorf("agreement of handshake %s: %w", handshake, err)
	}
	people, err := s.people(ctx, &a)
	if err != nil {
		return err
	}
	// The same command on every node: for all but the first it is a repeat.
	cmd := store.Command{ID: "conclude/" + id, Actor: "system:agreement", From: s.cfg.Node, At: s.cfg.Now()}
	_, err = s.book.Create(ctx, id, cmd, func(doc *Agreement) ([]store.Entry, error) {
		*doc = a
		entries := []store.Entry{
			store.Audit(kindSigned, "", map[string]string{
				"handshake": handshake, "payload_sha256": sum([]byte(a.Payload)), "platform_key": a.Countersignature.Key.Kid,
			}),
			{Log: Feed(a.Market), Kind: kindSigned},
		}
		return notify.Tell(entries, people, kindSigned, News{Agreement: id, Handshake: handshake, Job: a.Job, Team: a.Team}), nil
	})
	return err
}

// compose puts an agreement together and has the house countersign it.
func (s *Agreements) compose(ctx context.Context, handshake string, h *matching.Handshake) (Agreement, error) {
	c, err := fits(h.Contract, handshake, h)
	if err != nil {
		return Agreement{}, err
	}
	a := Agreement{
		Handshake: handshake, Market: h.Market, Job: h.Job, Team: h.Team,
		Employer: h.Employer.Party, Owner: h.Owner.Party, Payload: h.Contract,
	}
	for _, r := range roles {
		signed := signatureOf(h, r)
		if signed == nil {
			return Agreement{}, fault.New(fault.Conflict, "the %s has not signed", r)
		}
		b, err := s.bindingFor(ctx, signed.By, signed.Key)
		if err != nil {
			return Agreement{}, err
		}
		a.Signatures = append(a.Signatures, Signature{
			Role: r, Party: c.party(r).ID, Person: signed.By,
			Protected: signed.Protected, Signature: signed.Signature, At: signed.At.UTC(), Binding: b,
		})
		if signed.At.After(a.SignedAt) {
			a.SignedAt = signed.At.UTC()
		}
	}
	statement, err := a.statement()
	if err != nil {
		return Agreement{}, err
	}
	if a.Countersignature, err = s.countersign(ctx, statement); err != nil {
		return Agreement{}, err
	}
	if err := a.verify(); err != nil {
		return Agreement{}, fault.New(fault.Internal, "an agreement that does not verify").Wrap(err)
	}
	return a, nil
}

// bindingFor states whose key it was that signed. It does not ask whether the key
// could sign then: that was decided when the signature was accepted, and a
// revocation that was written a moment later does not undo it.
func (s *Agreements) bindingFor(ctx context.Context, person, key string) (Binding, error) {
	p, err := s.cfg.Keys.Get(ctx, person)
	if err != nil {
		return Binding{}, err
	}
	for _, d := range p.Devices {
		if d.Thumbprint == key {
			return bindingOf(identity.Binding{
				Person: person, Thumbprint: d.Thumbprint, Key: d.Key, Registered: d.Registered, ActiveFrom: d.ActiveFrom, Proof: d.Proof,
			}), nil
		}
	}
	return Binding{}, fault.New(fault.Internal, "the person has no such device key")
}

// statement says of the agreement what the house countersigns.
func (a *Agreement) statement() (Statement, error) {
	s := Statement{
		Type: statementType, Version: version, Agreement: ID(a.Handshake), Handshake: a.Handshake,
		PayloadSHA256: sum([]byte(a.Payload)), SignedAt: a.SignedAt,
	}
	var bindings []Binding
	for _, sig := range a.Signatures {
		bindings = append(bindings, sig.Binding)
		s.Signatures = append(s.Signatures, Received{
			Role: sig.Role, Party: sig.Party, Person: sig.Person, SHA256: sum(detached(sig.Protected, sig.Signature)), At: sig.At,
		})
	}
	b, err := canonical(bindings)
	if err != nil {
		return Statement{}, err
	}
	s.BindingsSHA256 = sum(b)
	return s, nil
}

// verify has the offline verifier judge the agreement by the key that it carries.
func (a *Agreement) verify() error {
	f, err := a.file(nil)
	if err != nil {
		return err
	}
	result := VerifyFile(f, trusting(a.Countersignature.Key))
	for _, finding := range result.Findings {
		if !finding.OK {
			return flaw(finding.Zh, finding.En)
		}
	}
	return nil
}

// people lists those who act for either party now, each once.
func (s *Agreements) people(ctx context.Context, a *Agreement) ([]string, error) {
	var out []string
	for _, party := range []string{a.Employer, a.Owner} {
		it, err := s.cfg.Board.PartyByID(ctx, party)
		if err != nil {
			return nil, fmt.Errorf("party %s: %w", party, err)
		}
		for _, p := range it.Doc.People {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}
