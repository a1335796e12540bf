package agreement

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"hezuo/fault"
	"hezuo/matching"
	"hezuo/store"
)

// What the room promises; in the words of a finding.
const (
	termsInvariant      = "an agreement has exactly the terms, to the byte, that both sides accepted"
	verifyInvariant     = "every agreement verifies"
	oneInvariant        = "each handshake that both sides signed has exactly one agreement, and no other has any"
	disclosureInvariant = "what an agreement commits to can be shown to its parties until it is deleted"
	platformInvariant   = "the house can countersign, and all that it countersigned can be verified"
)

// Check is the room's part of hezuo check: it judges by documents and cursors,
// never by clocks. The trails are checked by [store.CheckTrails] over
// [Agreements.Collections]. Errors, where the check could not be made: those of the
// store and of the KMS.
func (s *Agreements) Check(ctx context.Context, report *store.Report) error {
	if err := s.checkPlatform(ctx, report); err != nil {
		return fmt.Errorf("agreement: check: %w", err)
	}
	if err := s.book.Each(ctx, store.Range{Limit: 500}, func(it store.Item[Agreement]) error {
		report.Count("agreements verified", 1)
		return s.checkAgreement(ctx, it, report)
	}); err != nil {
		return fmt.Errorf("agreement: check: %w", err)
	}
	// The handshakes after the agreements: each is compared with its agreement as
	// that is read after it.
	behind := map[string]bool{}
	if err := s.handshakes.Each(ctx, store.Range{Limit: 500}, func(it store.Item[matching.Handshake]) error {
		return s.checkHandshake(ctx, it, behind, report)
	}); err != nil {
		return fmt.Errorf("agreement: check: %w", err)
	}
	return nil
}

func (s *Agreements) checkAgreement(ctx context.Context, it store.Item[Agreement], report *store.Report) error {
	where, a := s.book.Name()+"/"+it.ID, it.Doc
	if it.Rev != 1 {
		report.Find("a signed agreement never changes", where, "it was written %d times", it.Rev)
	}
	if ID(a.Handshake) != it.ID {
		report.Find(oneInvariant, where, "its id is not that of its handshake's agreement")
	}
	trusted, err := s.PlatformJWKS(ctx)
	if err != nil {
		return err
	}
	checkVerifies(&a, trusted, where, report)
	h, err := s.handshakes.Get(ctx, a.Handshake)
	switch {
	case errors.Is(err, store.ErrNotFound):
		report.Find(oneInvariant, where, "its handshake is not there")
		return nil
	case err != nil:
		return err
	}
	if !bound(&h.Doc) {
		report.Find(oneInvariant, where, "its handshake is %s and was not signed by both sides", h.Doc.State)
	}
	c, err := fits(a.Payload, a.Handshake, &h.Doc)
	if err != nil {
		report.Find(termsInvariant, where, "%v", err)
		return nil
	}
	if a.Payload != h.Doc.Contract || !sameSignatures(&a, &h.Doc) {
		report.Find(termsInvariant, where, "its contract or signatures are not those of the handshake")
	}
	if a.Market != c.Market || a.Job != c.Job || a.Team != c.Team || a.Employer != c.Parties.Employer.ID || a.Owner != c.Parties.Owner.ID {
		report.Find(termsInvariant, where, "the document is not about what its contract is about")
	}
	return s.checkDisclosable(ctx, &a, &c, where, report)
}

// checkVerifies has the offline verifier judge the agreement's file, and sees that
// the document says nothing else than the file.
func checkVerifies(a *Agreement, trusted jose.JSONWebKeySet, where string, report *store.Report) {
	data, err := a.file(nil)
	if err != nil {
		report.Find(verifyInvariant, where, "it has no canonical form")
		return
	}
	result := VerifyFile(data, trusted)
	for _, f := range result.Findings {
		if !f.OK {
			report.Find(verifyInvariant, where, "%s", f.En)
		}
	}
	if !result.OK {
		return
	}
	// The file carries the statement that was signed, the document what it was made of.
	want, err := a.statement()
	said, errSaid := a.Countersignature.verify()
	if err != nil || errSaid != nil || !sameStatement(want, said) {
		report.Find(verifyInvariant, where, "the document's signatures and times are not those that the house countersigned")
	}
}

func sameStatement(x, y Statement) bool {
	a, errA := canonical(x)
	b, errB := canonical(y)
	return errA == nil && errB == nil && string(a) == string(b)
}

// sameSignatures reports whether an agreement's signatures are its handshake's.
func sameSignatures(a *Agreement, h *matching.Handshake) bool {
	if len(a.Signatures) != len(roles) {
		return false
	}
	for i, r := range roles {
		have, want := a.Signatures[i], signatureOf(h, r)
		if want == nil || have.Role != r || have.Person != want.By || have.Protected != want.Protected ||
			have.Signature != want.Signature || have.Binding.Thumbprint != want.Key || !have.At.Equal(want.At) {
			return false
		}
	}
	return true
}

// bound reports whether both sides of a handshake have signed, whatever became of
// it since.
func bound(h *matching.Handshake) bool {
	return (h.State.Bound() || h.State == matching.BrokenOff) && h.Employer.Signed != nil && h.Owner.Signed != nil
}

// checkHandshake looks for the agreement that a handshake must have. behind are the
// handshakes whose signing the follower is known not to have handled yet.
func (s *Agreements) checkHandshake(ctx context.Context, it store.Item[matching.Handshake], behind map[string]bool, report *store.Report) error {
	where := "handshakes/" + it.ID
	must := it.Doc.State.Bound() || it.Doc.State == matching.BrokenOff
	if !must {
		return nil // one that has an agreement all the same was found with the agreement
	}
	if !bound(&it.Doc) {
		report.Find(oneInvariant, where, "it is %s and lacks a signature", it.Doc.State)
		return nil
	}
	_, err := s.book.Get(ctx, ID(it.ID))
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if !behind[it.ID] {
		if err := s.unhandled(ctx, it.Doc.Market, behind); err != nil {
			return err
		}
	}
	if behind[it.ID] {
		report.Count("agreements still to be made", 1)
		return nil
	}
	// The follower has passed the signing, and so had made the agreement by the time
	// its cursor was read.
	if _, err = s.book.Get(ctx, ID(it.ID)); errors.Is(err, store.ErrNotFound) {
		report.Find(oneInvariant, where, "it is %s and has no agreement, although the follower has handled its signing", it.Doc.State)
		return nil
	}
	return err
}

// unhandled adds the handshakes of a market whose signing is in the feed behind the
// follower's cursor.
func (s *Agreements) unhandled(ctx context.Context, county string, behind map[string]bool) error {
	log := matching.Feed(county)
	after, err := s.cursors.At(ctx, followerName, log)
	if err != nil {
		return err
	}
	for {
		records, err := s.cfg.DB.Read(ctx, log, after, 500)
		if err != nil {
			return err
		}
		for _, r := range records {
			after = r.N
			if r.Kind != kindHandshakeSigned {
				continue
			}
			ref, err := reference(r)
			if err != nil {
				return err
			}
			behind[ref.ID] = true
		}
		if len(records) < 500 {
			return nil
		}
	}
}

// checkDisclosable proves that the values kept for an agreement open, and are those
// that it commits to, unless their party's key was destroyed.
func (s *Agreements) checkDisclosable(ctx context.Context, a *Agreement, c *Contract, where string, report *store.Report) error {
	for _, r := range roles {
		destroyed, err := s.cfg.Vault.Destroyed(ctx, c.party(r).ID)
		if err != nil {
			return err
		}
		if destroyed {
			report.Count("agreements' sides that were deleted", 1)
			continue
		}
		open := func(v value, place string) (string, error) { return s.cfg.Vault.Open(ctx, v.Party, place, v.Sealed) }
		out, err := s.contracts.disclose(ctx, c, sum([]byte(a.Payload)), map[matching.Role]opener{r: open})
		if fault.Is(err, fault.Unavailable) {
			return err
		}
		if err != nil || len(out) == 0 {
			report.Find(disclosureInvariant, where, "the values kept of the %s are missing, or not those that the contract commits to", r)
		}
	}
	return nil
}

func (s *Agreements) checkPlatform(ctx context.Context, report *store.Report) error {
	where := s.platform.Name() + "/" + ringID
	it, err := s.platform.Get(ctx, ringID)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(it.Doc.Keys) == 0 {
		report.Find(platformInvariant, where, "there is no key")
		return nil
	}
	if err != nil {
		return err
	}
	for i, k := range it.Doc.Keys {
		report.Count("platform keys opened", 1)
		if len(k.Public) != 32 || platformJWK(k.Public).Kid != k.ID {
			report.Find(platformInvariant, where, "the key %s is not that of its thumbprint", k.ID)
		}
		if (i == 0) == (k.Private == "") {
			report.Find(platformInvariant, where, "a key that was replaced could still sign, or the one that signs cannot")
		}
	}
	if _, err := s.openKey(ctx, it.Doc.Keys[0]); fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
		return err
	} else if err != nil {
		report.Find(platformInvariant, where, "the key that signs cannot be used")
	}
	return nil
}
