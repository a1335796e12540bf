package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// What the room promises of its own; in the words of a finding.
const (
	uniqueInvariant = "a phone and a device key belong to one person"
	sealedInvariant = "personal data is in the clear nowhere but in an answer to one who may see it"
	keyInvariant    = "a device key is usable only from when it was proven"
	tokenInvariant  = "a session and its tokens are a person's"
)

// Check is the room's part of hezuo check. The trails are checked by
// [store.CheckTrails] over [Service.Collections]. Errors, where the check could
// not be made: those of the store and of the KMS.
func (s *Service) Check(ctx context.Context, report *store.Report) error {
	if err := s.people.Each(ctx, store.Range{Limit: 1000}, func(it store.Item[Person]) error {
		return s.checkPerson(ctx, it, report)
	}); err != nil {
		return fmt.Errorf("identity: check: %w", err)
	}
	for _, index := range []string{"phone", "device"} {
		if err := s.checkUnique(ctx, index, report); err != nil {
			return fmt.Errorf("identity: check: %w", err)
		}
	}
	if err := s.sessions.Each(ctx, store.Range{Limit: 1000}, func(it store.Item[session]) error {
		return s.checkSession(ctx, it, report)
	}); err != nil {
		return fmt.Errorf("identity: check: %w", err)
	}
	if err := s.checkCodes(ctx, report); err != nil {
		return fmt.Errorf("identity: check: %w", err)
	}
	return s.checkRing(ctx, report)
}

// sealedFault turns the errors of a value that cannot be opened into a finding,
// and leaves those that keep the check from being made.
func sealedFault(err error, where, what string, report *store.Report) error {
	if errors.Is(err, vault.ErrBroken) || errors.Is(err, store.ErrNotFound) {
		report.Find(sealedInvariant, where, "%s cannot be opened", what)
		return nil
	}
	return err
}

func (s *Service) checkPerson(ctx context.Context, it store.Item[Person], report *store.Report) error {
	where, p := "people/"+it.ID, it.Doc
	if p.ID != it.ID {
		report.Find(uniqueInvariant, where, "the document names another person")
	}
	if !p.Erased.IsZero() {
		report.Count("people erased", 1)
		if gone, err := s.cfg.Vault.Destroyed(ctx, it.ID); err != nil {
			return err
		} else if !gone || p.PhoneHash != "" {
			report.Find("what was deleted cannot be read again", where, "the person's erasure is not finished: repeat it")
		}
		return s.checkDevices(ctx, &p, where, report)
	}
	phone, err := s.cfg.Vault.Open(ctx, it.ID, phoneField, p.Phone)
	switch {
	case errors.Is(err, vault.ErrDestroyed):
		report.Count("people erased", 1)
		if p.PhoneHash != "" {
			report.Find("what was deleted cannot be read again", where, "the person was erased, and the phone's hash is still there")
		}
	case err != nil:
		if err := sealedFault(err, where, "the phone", report); err != nil {
			return err
		}
	case ValidatePhone(phone) != nil || s.cfg.Vault.Hash(phoneKind, phone) != p.PhoneHash:
		report.Find(uniqueInvariant, where, "the sealed phone is not the one of the hash")
	}
	if _, err := s.cfg.Vault.Open(ctx, it.ID, nameField, p.Name); err != nil && !errors.Is(err, vault.ErrDestroyed) {
		if err := sealedFault(err, where, "the name", report); err != nil {
			return err
		}
	}
	for _, r := range p.Roles {
		if r.validate() != nil {
			report.Find(tokenInvariant, where, "there is no such role")
		}
	}
	return s.checkDevices(ctx, &p, where, report)
}

// checkDevices plays the registration of a person's keys again, in order.
func (s *Service) checkDevices(ctx context.Context, p *Person, where string, report *store.Report) error {
	again := Person{ID: p.ID}
	for _, d := range p.Devices {
		report.Count("device keys", 1)
		if _, err := s.cfg.Vault.Open(ctx, p.ID, deviceField+d.Thumbprint, d.Label); err != nil && !errors.Is(err, vault.ErrDestroyed) {
			if err := sealedFault(err, where, "a device's label", report); err != nil {
				return err
			}
		}
		b, err := binding(p, d.Thumbprint)
		if err == nil {
			err = b.Verify()
		}
		if err == nil {
			err = again.admit(d)
		}
		if err != nil {
			report.Find(keyInvariant, where, "the key %s: %v", d.Thumbprint, err)
			return nil
		}
		if now := again.device(d.Thumbprint); now.Proof.How != d.Proof.How || !now.ActiveFrom.Equal(d.ActiveFrom) {
			report.Find(keyInvariant, where, "the key %s is usable from another time than its proof allows", d.Thumbprint)
		}
	}
	return nil
}

// checkUnique proves that no key of an index is there twice.
func (s *Service) checkUnique(ctx context.Context, index string, report *store.Report) error {
	q := store.Query{Collection: s.people.Name(), Index: index, Limit: 1000}
	for {
		found, err := s.cfg.DB.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range found {
			if m.Key == q.AfterKey {
				report.Find(uniqueInvariant, "people/"+m.Doc.ID, "another person has the same %s", index)
			}
			q.AfterKey, q.AfterID = m.Key, m.Doc.ID
		}
		if len(found) < q.Limit {
			return nil
		}
	}
}

func (s *Service) checkSession(ctx context.Context, it store.Item[session], report *store.Report) error {
	where, d := "sessions/"+it.ID, it.Doc
	if _, err := s.people.Get(ctx, d.Person); errors.Is(err, store.ErrNotFound) {
		report.Find(tokenInvariant, where, "the person is not there")
		return nil
	} else if err != nil {
		return err
	}
	if _, err := s.cfg.Vault.Open(ctx, d.Person, sessionField+it.ID, d.Secret); err != nil && !errors.Is(err, vault.ErrDestroyed) {
		return sealedFault(err, where, "the secret", report)
	}
	return nil
}

// checkCodes looks for six digits in whatever the codes' documents hold.
func (s *Service) checkCodes(ctx context.Context, report *store.Report) error {
	q := store.Query{Collection: s.codes.Name(), Limit: 1000}
	for {
		found, err := s.cfg.DB.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range found {
			report.Count("codes", 1)
			if holdsDigits(m.Doc) {
				report.Find(sealedInvariant, "codes/"+m.Doc.ID, "a code is there in clear")
			}
			q.AfterKey, q.AfterID = m.Key, m.Doc.ID
		}
		if len(found) < q.Limit {
			return nil
		}
	}
}

// holdsDigits reports whether a value anywhere in a body is a code by itself.
func holdsDigits(doc *store.Document) bool {
	dec := json.NewDecoder(bytes.NewReader(doc.Body))
	dec.UseNumber()
	for {
		t, err := dec.Token()
		if err != nil {
			return false
		}
		if text := fmt.Sprint(t); len(text) == 6 && isDigits(text) {
			return true
		}
	}
}

func (s *Service) checkRing(ctx context.Context, report *store.Report) error {
	it, err := s.keys.Get(ctx, ringID)
	if err != nil {
		return fmt.Errorf("identity: check: %w", err)
	}
	for i, k := range it.Doc.Keys {
		report.Count("token keys opened", 1)
		if i == 0 {
			if _, err := s.openRingKey(ctx, k); fault.Is(err, fault.Unavailable) {
				return fmt.Errorf("identity: check: %w", err)
			} else if err != nil {
				report.Find(tokenInvariant, "token_keys/"+ringID, "the key that signs cannot be used")
			}
		}
		if (i == 0) != k.Until.IsZero() || (i == 0) == (k.Private == "") {
			report.Find(tokenInvariant, "token_keys/"+ringID, "a key that was replaced could still sign, or the one that signs cannot")
		}
	}
	return nil
}
