package main

import (
	"math"
	"time"

	"hezuo/market"
)

// cast are those who play the story.
type cast struct {
	crop        crop
	county      market.Place
	employer    resident         // signs in and registers in the story
	firm        market.PartyForm // what they register
	cooperative *household       // its first team is next door and free
	agency      *household
	post        market.JobPost
}

// crop is what is picked in a season, and where.
type crop struct {
	months string // as of a work
	trade  string
	county string
	town   string
	title  string
	duties string
	firm   string
}

var crops = []crop{
	{"JFMA......ND", "vegetable-picking", "371522", "371522110", "大棚青椒采收", "青椒棚分批采收：只摘转色前的商品果，带柄轻放，分级装筐并搬到棚口。早六点半上工，中午休息一小时。", "莘县丰禾绿源蔬菜种植有限公司"},
	{"....MJJ.....", "melon-picking", "371522", "371522109", "香瓜采收装车", "辨成熟度采摘香瓜，带柄轻放，装筐搬到地头装车。清晨五点半上工，避开中午高温。", "莘县金穗瓜果种植有限公司"},
	{".......A....", "grape-picking", "371525", "371525107", "葡萄采收修穗", "整穗采收，剪去病果，单层装箱。早六点上工，中午休息两小时。", "冠县百果园林果种植有限公司"},
	{"........SO..", "pear-picking", "371525", "371525206", "鸭梨采摘", "登低梯采摘鸭梨，套袋连果轻放，不掉把、不碰伤，装筐搬到地头。早七点上工，中午休息一小时。", "冠县绿源盛禾果业有限公司"},
}

// castStory chooses the story's people, and writes the post: twelve pickers for
// Thursday.
func (t *town) castStory() error {
	day := nextThursday(t.today())
	c := &t.cast
	for _, crop := range crops {
		if crop.months[day.Start().In(market.Shanghai).Month()-1] != '.' {
			c.crop = crop
		}
	}
	c.county, _ = market.PlaceByCode(c.crop.county)
	at := t.village(c.county, 0.5, 1)
	at.town, _ = market.PlaceByCode(c.crop.town)
	if err := t.castEmployer(); err != nil {
		return err
	}
	trade := tradeOf(c.crop.trade)
	c.post = market.JobPost{
		Title: at.town.Name + c.crop.title + "，急需12人", Trade: trade.Code, Duties: c.crop.duties, Requirements: "无",
		Headcount: 12, Period: market.Period{From: day, To: day}, HoursPerDay: 8,
		Pay:  market.Pay{Amount: market.Fen(trade.ExampleDayLowFen+trade.ExampleDayHighFen) / 2 / 500 * 500, Unit: market.PerDay},
		Site: at.site("村北"), Conditions: market.Conditions{Meals: market.ByNobody, Lodging: market.ByNobody, Transport: market.ByTeam},
		Deadline: day.Add(-1).Start().Add(18 * time.Hour),
	}
	return t.castTeams(at)
}

func (t *town) castEmployer() error {
	c := &t.cast
	c.employer = t.resident()
	code, err := t.codes.creditCode("91", c.county.Code)
	c.firm = market.PartyForm{
		Kind: market.Company, Market: c.county.Code, Name: c.crop.firm, CreditCode: code,
		Representative: personName(t.rand), ContactName: c.employer.name, ContactPhone: c.employer.phone,
	}
	return err
}

// castTeams makes the cooperative whose team fits best, and the agency that comes
// too early.
func (t *town) castTeams(site village) error {
	c := &t.cast
	home := site
	home.name, home.point = villageName(t.rand), beside(site.point, 0.8, math.Pi/3)
	var err error
	if c.cooperative, err = t.cooperative(home); err != nil {
		return err
	}
	if c.agency, err = t.agency(c.county, true); err != nil {
		return err
	}
	free := []market.Period{{From: t.today().Add(-3), To: t.today().Add(40)}}
	low := market.Fen(tradeOf(c.crop.trade).ExampleDayLowFen)
	c.cooperative.teams = []teamPlan{{opened: t.ago(15*24*time.Hour, 16*24*time.Hour), post: market.TeamPost{
		Name: home.name + "采收队", Trades: []string{c.crop.trade}, Headcount: 16, Smallest: 6, Free: free,
		Base: home.site(""), RadiusKm: 30, LowestPay: low, About: "在本镇做采收多年，自带剪刀手套，能早出晚归。",
	}}}
	c.agency.teams = []teamPlan{{opened: t.ago(5*24*time.Hour, 6*24*time.Hour), post: market.TeamPost{
		Name: "应季采收组", Trades: []string{c.crop.trade}, Headcount: 20, Smallest: 5, Free: free,
		Base: t.village(c.county, 4, 8).site(""), RadiusKm: 40, LowestPay: low,
	}}}
	t.houses = append(t.houses, c.cooperative, c.agency)
	return nil
}

// nextThursday gives the first Thursday that is at least two days away.
func nextThursday(today market.Date) market.Date {
	d := today.Add(2)
	for d.Start().In(market.Shanghai).Weekday() != time.Thursday {
		d = d.Add(1)
	}
	return d
}
