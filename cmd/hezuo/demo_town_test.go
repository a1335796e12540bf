package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hezuo/identity"
	"hezuo/market"
)

// TestTown makes the towns of several seeds through a year: what is in it is
// valid by the rooms' own rules, and as much as was promised.
func TestTown(t *testing.T) {
	for day := 0; day < 366; day += 15 {
		now := time.Date(2026, 1, 1, 23, 59, 30, 0, market.Shanghai).AddDate(0, 0, day)
		town, err := newTown(uint64(day), liaocheng, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkTown(town); err != nil {
			t.Fatalf("%s: %v", now.Format(time.DateOnly), err)
		}
	}
}

func checkTown(t *town) error {
	teams, jobs, errs := map[market.PartyKind]int{}, 0, []error{t.cast.firm.Validate(t.now), t.cast.post.Validate(t.now)}
	phones, codes := map[string]bool{}, map[string]bool{}
	for _, h := range t.houses {
		errs = append(errs, h.form.Validate(h.registered))
		phones[h.person.phone] = true
		codes[h.form.CreditCode+h.form.IdentityNumber] = true
		if h.decision != nil {
			errs = append(errs, market.CheckReason(h.decision.Reason))
		}
		for _, p := range h.teams {
			at := p.opened
			if at.IsZero() {
				at = h.registered
			}
			teams[h.form.Kind]++
			errs = append(errs, p.post.Validate(at))
		}
		for _, p := range h.jobs {
			jobs++
			errs = append(errs, p.post.Validate(p.written))
			if !p.reviewed.After(p.written) || p.reviewed.Before(h.decided) || p.reviewed.After(t.now) {
				errs = append(errs, errors.New("a job was reviewed at no good time"))
			}
		}
	}
	want := t.size.cooperatives + t.size.employers + t.size.agencies + t.size.outsiders
	if len(t.houses) != want || len(phones) != want || len(codes) != want {
		errs = append(errs, errors.New("parties are missing, or share a phone or a number"))
	}
	if teams[market.Cooperative] != t.size.teams || jobs != t.size.jobs {
		errs = append(errs, errors.New("teams or jobs are missing"))
	}
	if d := t.cast.post.Period.From; d.Start().In(market.Shanghai).Weekday() != time.Thursday {
		errs = append(errs, errors.New("Thursday is none"))
	}
	return errors.Join(errs...)
}

// TestWorks reads the list of works as people do.
func TestWorks(t *testing.T) {
	for _, w := range works {
		if len(w.months) != 12 {
			t.Fatalf("%s: %d months", w.trade, len(w.months))
		}
		for i, m := range w.months {
			if m != '.' && byte(m) != allYear[i] {
				t.Errorf("%s: month %d is written %c", w.trade, i+1, m)
			}
		}
		unit := tradeOf(w.trade).PayUnit
		if (unit == market.PerItem) != (w.piece != "" && w.aDay > 0) {
			t.Errorf("%s is paid by the %s, and what is counted is %q", w.trade, unit, w.piece)
		}
		if w.least < 1 || w.most < w.least || len(w.titles) == 0 || len(w.duties) == 0 {
			t.Errorf("%s is not whole", w.trade)
		}
	}
	for m := time.January; m <= time.December; m++ {
		if n := len(inSeason(m)); n < 10 {
			t.Errorf("%s has only %d works", m, n)
		}
		if strings.Count(months(crops), string(rune('A'+int(m)-1))) != 1 {
			t.Errorf("%s has not one crop for the story", m)
		}
	}
}

// months writes each month that a crop has as a letter of its own, A for January.
func months(crops []crop) string {
	var b strings.Builder
	for _, c := range crops {
		for i, m := range c.months {
			if m != '.' {
				b.WriteRune(rune('A' + i))
			}
		}
	}
	return b.String()
}

// TestNumbers makes numbers that the rooms accept and that are nobody's.
func TestNumbers(t *testing.T) {
	var p phones
	var c codes
	r := mustTown(t).rand
	for range 50 {
		if err := identity.ValidatePhone(p.next()); err != nil {
			t.Fatal(err)
		}
		if err := identity.ValidateIdentityNumber(c.identityNumber(r)); err != nil {
			t.Fatal(err)
		}
		for _, authority := range []string{"91", "93"} {
			code, err := c.creditCode(authority, "371522")
			if err == nil {
				err = market.ValidateCreditCode(code)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func mustTown(t *testing.T) *town {
	t.Helper()
	town, err := newTown(1, liaocheng, time.Date(2026, 11, 22, 12, 0, 0, 0, market.Shanghai))
	if err != nil {
		t.Fatal(err)
	}
	return town
}
