package agreement

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
	"hezuo/vault"
)

// Drafts of one handshake are alike in all but the salts: of several one is recorded,
// and the values of each can be shown.
func TestDraftsDifferInSaltsAlone(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.agreed(s)
	h := w.handshake(id)
	first := must(ParseContract([]byte(h.Contract)))(t)
	for _, c := range []*Contracts{w.contracts, w.node("n2").contracts} {
		text := must(c.Draft(t.Context(), id, h))(t)
		again := must(ParseContract([]byte(text)))(t)
		if again.Parties.Employer.Commitments == first.Parties.Employer.Commitments {
			t.Error("two drafts have the same salts")
		}
		open := func(v value, place string) (string, error) {
			return w.vault.Open(t.Context(), v.Party, place, v.Sealed)
		}
		shown := must(c.disclose(t.Context(), &again, sum([]byte(text)), map[matching.Role]opener{matching.Employer: open, matching.Owner: open}))(t)
		if len(shown) == 0 {
			t.Error("a draft's values cannot be shown")
		}
		again.Parties.Employer.Commitments, again.Parties.Owner.Commitments = first.Parties.Employer.Commitments, first.Parties.Owner.Commitments
		if !reflect.DeepEqual(again, first) {
			t.Errorf("drafted again:\n%+v\nwas\n%+v", again, first)
		}
	}
	w.check()
}

// No personal data stands in a contract in clear, and all of it can be shown.
func TestDraftHoldsNoPersonalData(t *testing.T) {
	w := newWorld(t)
	employer, owner := w.person("13900000011"), w.person("13900000012")
	form := individualForm(t)
	s := sides{employer: employer, owner: owner, employerParty: employer.party(form), ownerParty: owner.party(cooperativeForm(t))}
	it := w.concluded(s)
	secrets := []string{form.Name, form.IdentityNumber, "钱代表乙", employer.phone, owner.phone, "联系人"}
	bare := must(w.agreements.File(t.Context(), w.operator.caller(), it.ID))(t)
	for _, text := range append([]string{it.Doc.Payload, string(bare)}, w.everything()...) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) || strings.Contains(text, b64([]byte(secret))) {
				t.Errorf("%q stands in clear in %.300q", secret, text)
			}
		}
	}
	c := must(it.Doc.Contract())(t)
	e, o := c.Parties.Employer, c.Parties.Owner
	if e.Name != "周***" || e.CreditCode != "" || e.Commitments.FullName == "" || e.Commitments.IdentityNumber == "" || e.Commitments.Representative != "" {
		t.Errorf("the employer is %+v", e)
	}
	if o.Name != cooperativeForm(t).Name || o.CreditCode != cooperativeForm(t).CreditCode || o.Commitments.Representative == "" || o.Commitments.FullName != "" {
		t.Errorf("the owner is %+v", o)
	}
	full := must(decode[File](must(w.agreements.File(t.Context(), owner.caller(), it.ID))(t), maxFile))(t)
	got := map[string]string{}
	for _, d := range full.Disclosures {
		got[string(d.Role)+"/"+d.Field] = d.Value
	}
	want := map[string]string{"employer/full_name": form.Name, "employer/identity_number": form.IdentityNumber, "owner/representative": "钱代表乙"}
	if len(got) != len(want) {
		t.Fatalf("disclosed %v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is disclosed as %q", k, got[k])
		}
	}
	w.check()
}

// everything gives all documents of this room, and all feeds, inboxes and trails.
func (w *world) everything() []string {
	w.t.Helper()
	var out []string
	for _, c := range []string{"agreements", "agreement_disclosures", "platform_keys", "handshakes"} {
		for _, m := range must(w.db.Find(w.t.Context(), store.Query{Collection: c, Limit: 1000}))(w.t) {
			out = append(out, string(m.Doc.Body))
		}
	}
	for _, head := range must(w.db.Logs(w.t.Context(), "", "", 1000))(w.t) {
		for _, r := range must(w.db.Read(w.t.Context(), head.Log, 0, 1000))(w.t) {
			out = append(out, string(r.Body))
		}
	}
	return out
}

// A party that changes its document after the draft changes nothing of what it
// signed, nor of what the other side can be shown.
func TestPartyEditedAfterTheDraft(t *testing.T) {
	for _, when := range []string{"before signing", "after signing"} {
		t.Run(when, func(t *testing.T) {
			w := newWorld(t)
			s := w.sides()
			id := w.agreed(s)
			edit := func() {
				form := companyForm(t)
				form.Name, form.Representative = "改名后的公司", "新代表"
				form.Market, form.ContactName, form.ContactPhone = county, "联系人", s.employer.phone
				must(w.board.EditParty(t.Context(), s.employer.caller(), w.cmd(s.employer.ID), s.employerParty, form))(t)
			}
			if when == "before signing" {
				edit()
			}
			w.sign(id, matching.Owner, s.owner)
			w.sign(id, matching.Employer, s.employer)
			if when == "after signing" {
				edit() // before the follower has seen the signing
			}
			w.follow(w.agreements)
			data := must(w.agreements.File(t.Context(), s.owner.caller(), ID(id)))(t)
			if !strings.Contains(string(data), companyForm(t).Representative) {
				t.Error("the representative at the time of the contract is not disclosed")
			}
			w.check()
		})
	}
}

// What ended without an agreement leaves no sealed values behind.
func TestUnsignedIsForgotten(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.agreed(s)
	w.sign(id, matching.Owner, s.owner)
	must(w.contracts.disclosures.Get(t.Context(), id))(t)
	must(w.handshakes.Refuse(t.Context(), s.employer.caller(), w.cmd(s.employer.ID), id, matching.Event{Reason: "we need nobody any more"}))(t)
	w.follow(w.agreements)
	if _, err := w.contracts.disclosures.Get(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the values are there: %v", err)
	}
	if _, err := w.agreements.ByHandshake(t.Context(), s.owner.caller(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("there is an agreement: %v", err)
	}
	w.check()
}

func TestDraftRefuses(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.negotiating(s)
	if _, err := w.contracts.Draft(t.Context(), id, w.handshake(id)); !fault.Is(err, fault.Conflict) {
		t.Errorf("without accepted terms: %v", err)
	}
	h := *w.handshake(id)
	h.Employer.Accepted = &matching.Acceptance{Hash: h.Newest().Hash}
	h.Owner.Accepted = h.Employer.Accepted
	must(w.contracts.Draft(t.Context(), id, &h))(t)
	changed := h
	changed.Proposed = append([]matching.Proposal{}, h.Proposed...)
	changed.Proposed[0].Terms.People++
	if _, err := w.contracts.Draft(t.Context(), id, &changed); !fault.Is(err, fault.Internal) {
		t.Errorf("terms that are not those of the hash: %v", err)
	}
	if err := w.vault.Destroy(t.Context(), w.cmd(w.operator.ID), s.ownerParty, "the party asked for it"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.contracts.Draft(t.Context(), id, &h); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("a party that was deleted: %v", err)
	}
}

// When a party's data are deleted, its side is left out of the file, the other's
// stays, and the agreement verifies.
func TestPartyDeleted(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	it := w.concluded(s)
	trusted := must(w.agreements.PlatformJWKS(t.Context()))(t)
	if err := w.vault.Destroy(t.Context(), w.cmd(w.operator.ID), s.employerParty, "the party asked for it"); err != nil {
		t.Fatal(err)
	}
	data := must(w.agreements.File(t.Context(), s.owner.caller(), it.ID))(t)
	f := must(decode[File](data, maxFile))(t)
	if len(f.Disclosures) != 1 || f.Disclosures[0].Role != matching.Owner {
		t.Errorf("disclosed %v", f.Disclosures)
	}
	if r := VerifyFile(data, trusted); !r.OK {
		t.Errorf("%+v", r.Findings)
	}
	var report store.Report
	if err := w.agreements.Check(t.Context(), &report); err != nil || len(report.Findings) > 0 {
		t.Errorf("%v %+v", err, report.Findings)
	}
	if report.Counted["agreements' sides that were deleted"] != 1 {
		t.Errorf("counted %v", report.Counted)
	}
}

// All that the market lets parties be and write has a place in a contract.
func TestEveryKindOfParty(t *testing.T) {
	w := newWorld(t)
	p := w.person("13900000031")
	agency := market.PartyForm{
		Kind: market.Agency, Name: "聊城某人力资源服务有限公司", CreditCode: creditCode(t, "91371502MA3C8D9G1"), Representative: "李代表",
		Licence: &market.Licence{Number: "371502-2026-01", Expires: "2029-01-01"},
	}
	forms := map[market.PartyKind]market.PartyForm{market.Company: companyForm(t), market.Individual: individualForm(t), market.Cooperative: cooperativeForm(t), market.Agency: agency}
	for kind, form := range forms {
		id := p.party(form)
		party, values, err := w.contracts.party(t.Context(), matching.Owner, id)
		if err != nil || len(values) == 0 {
			t.Fatalf("%s: %v, %v", kind, values, err)
		}
		if err := party.check(matching.Owner); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if err := party.check(matching.Employer); (err == nil) != kind.Employs() {
			t.Errorf("%s as employer: %v", kind, err)
		}
		if (party.Licence != "") != (kind == market.Agency) {
			t.Errorf("%s has the licence %q", kind, party.Licence)
		}
	}
}
