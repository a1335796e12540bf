package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"hezuo/market"
)

// work is what the demonstration knows of a trade: when there is work in it, and
// how a post about it reads.
type work struct {
	trade  string
	months string // in which there is work: a letter for each, J for January to D for December, . for none
	titles []string
	duties []string
	least  int // people of a post
	most   int
	hours  float64
	piece  string // what is counted, of a trade paid by the piece
	aDay   int    // how many of them a practised hand does a day
	group  string // teams know several trades of one group
}

const allYear = "JFMAMJJASOND"

// works are the trades of the demonstration. Nearly all have several.
var works = []work{
	{"vegetable-picking", allYear, []string{"大棚黄瓜采收", "露地白菜采收", "大棚西红柿采收", "芹菜收割装筐"}, []string{"按商品标准采收、装筐并搬到地头，轻拿轻放。清晨上工，中午休息一小时。", "分批采收，去老叶、分级装箱。"}, 6, 20, 8, "", 0, "field"},
	{"chilli-picking", ".......ASO..", []string{"红辣椒采摘", "朝天椒采摘"}, []string{"整株检查，只摘红透的，装袋过秤。"}, 8, 25, 9, "斤", 300, "field"},
	{"mushroom-picking", "JFMA....SOND", []string{"香菇采收", "平菇棚采菇", "双孢菇采收"}, []string{"按菇盖大小分批采收，剪根、分级、装筐，遵守菌棚卫生要求。"}, 4, 12, 8, "", 0, "field"},
	{"melon-picking", "....MJJ.....", []string{"西瓜采收装车", "甜瓜采收分拣"}, []string{"辨成熟度采摘，搬到地头装车，轻拿轻放。"}, 6, 15, 8, "", 0, "field"},
	{"garlic-harvesting", "....MJ......", []string{"大蒜收获", "蒜薹抽拔"}, []string{"起蒜、剪秆、装袋，按袋计数。"}, 10, 30, 9, "袋", 60, "field"},
	{"cotton-picking", "........SON.", []string{"籽棉采摘"}, []string{"随开随摘，去杂装包，过秤计量。"}, 8, 20, 9, "斤", 120, "field"},
	{"transplanting", ".FMA..JASO..", []string{"蔬菜定植", "辣椒苗移栽"}, []string{"按株行距栽植，浇定根水，扶正压实。"}, 6, 16, 8, "", 0, "field"},
	{"weeding", "..MAMJJAS...", []string{"麦田除草", "菜地人工除草"}, []string{"行间除草，不伤苗，草装袋带出地块。"}, 5, 15, 8, "", 0, "field"},
	{"fertilising", ".FMA..JASO..", []string{"小麦追肥", "果园追肥"}, []string{"按用量开沟施肥、覆土。"}, 4, 10, 8, "", 0, "field"},

	{"pear-picking", "........SO..", []string{"鸭梨采摘", "秋月梨采收"}, []string{"登低梯采摘，套袋连果轻放，不掉把、不碰伤。"}, 8, 24, 8, "", 0, "orchard"},
	{"apple-picking", "........SO..", []string{"红富士采摘"}, []string{"分批采摘，分级装筐。"}, 8, 20, 8, "", 0, "orchard"},
	{"grape-picking", "......JAS...", []string{"葡萄采收修穗"}, []string{"用采果剪整穗采收，去病果，装箱。"}, 6, 14, 8, "", 0, "orchard"},
	{"fruit-bagging", "....MJ......", []string{"梨园疏果套袋"}, []string{"按间距留果，套袋扎口，按袋计数。"}, 10, 25, 9, "袋", 1800, "orchard"},
	{"fruit-tree-pruning", "JFM.......ND", []string{"梨树冬剪", "苹果树修剪", "桃园冬季修剪"}, []string{"整形修剪，锯口涂药，枝条归堆。"}, 3, 10, 8, "", 0, "orchard"},
	{"pollinating", "..MA........", []string{"梨树人工授粉"}, []string{"按花期点授，登低梯作业。"}, 8, 20, 7, "", 0, "orchard"},

	{"greenhouse-work", allYear, []string{"大棚吊蔓打杈", "大棚日常管理", "草莓棚疏花疏果"}, []string{"吊蔓、打杈、去老叶，保持棚内整洁。", "放风、揭盖棉被、巡棚，按技术员安排作业。"}, 3, 10, 8, "", 0, "greenhouse"},
	{"grafting", "JF....JA..ND", []string{"黄瓜苗嫁接", "西瓜苗嫁接"}, []string{"插接或靠接，成活率不低于九成五，按株计数。"}, 6, 16, 8, "株", 1500, "greenhouse"},
	{"seedling-raising", "JFM..JJA..ND", []string{"育苗场装盘点种", "集约化育苗"}, []string{"配基质、装穴盘、点种覆土，码放到苗床。"}, 4, 12, 8, "", 0, "greenhouse"},
	{"greenhouse-building", "..MAMJJASON.", []string{"钢架大棚搭建", "旧棚换膜"}, []string{"按图立柱、安装骨架、上膜压槽，佩戴安全帽。"}, 6, 14, 8.5, "", 0, "greenhouse"},

	{"construction-labour", "..MAMJJASON.", []string{"村居改造小工", "冷库工地小工"}, []string{"搬运砂浆砖块、清理现场，服从班组安排，接受入场安全教育。"}, 5, 15, 9, "", 0, "building"},
	{"bricklaying", "..MAMJJASO..", []string{"厂房围墙砌筑"}, []string{"挂线砌砖，灰缝饱满，横平竖直。"}, 4, 10, 9, "", 0, "building"},
	{"wall-painting", "...AMJJASON.", []string{"村部墙面粉刷"}, []string{"铲旧皮、刮腻子、滚涂两遍。"}, 3, 8, 8, "", 0, "building"},
	{"canal-maintenance", "JFMA....SOND", []string{"农渠冬季清淤", "沟渠护坡整修"}, []string{"清淤、整坡、清运杂物，临水作业穿救生衣。"}, 8, 24, 8, "", 0, "building"},
	{"road-maintenance", "..MAMJJASON.", []string{"乡道养护"}, []string{"清边沟、补坑槽、修剪路肩草，穿反光背心。"}, 4, 12, 8, "", 0, "building"},

	{"tree-planting", ".FMA......N.", []string{"农田林网植树"}, []string{"挖穴、栽植、扶正、浇水，按株计数。"}, 8, 25, 8, "株", 80, "garden"},
	{"landscaping", ".FMAM...SON.", []string{"公园绿化栽植", "道路绿化补植"}, []string{"栽植花木，浇水养护，清理场地。"}, 5, 14, 8, "", 0, "garden"},
	{"river-cleaning", allYear, []string{"河道水面保洁"}, []string{"打捞漂浮物，清理岸坡垃圾，临水作业穿救生衣。"}, 3, 8, 7, "", 0, "garden"},

	{"food-sorting", allYear, []string{"果蔬分拣", "速冻玉米车间分拣"}, []string{"按规格挑选、剔除残次、装箱，遵守车间卫生要求。"}, 6, 25, 8, "", 0, "factory"},
	{"vegetable-packing", allYear, []string{"净菜打包", "蔬菜基地打包发货"}, []string{"分级、称重、装箱、贴标，按箱计数。"}, 6, 20, 9, "箱", 120, "factory"},
	{"poultry-processing", allYear, []string{"肉鸡分割车间"}, []string{"按工位分割、修整、装盘，耐低温车间，按件计数。"}, 8, 25, 9, "件", 900, "factory"},
	{"ejiao-packing", allYear, []string{"阿胶糕包装"}, []string{"洁净区内称量、装盒、贴标。"}, 5, 16, 8, "", 0, "factory"},
	{"bearing-assembly", allYear, []string{"轴承装配"}, []string{"装珠、铆合、检验，按套计件。"}, 6, 20, 8, "套", 700, "factory"},
	{"garment-sewing", allYear, []string{"校服缝制"}, []string{"流水线缝制，按件计数，保证针距。"}, 6, 20, 9, "件", 60, "factory"},

	{"loading", allYear, []string{"冷库装卸", "粮库装卸"}, []string{"装卸、码垛，听从现场指挥。"}, 4, 12, 8, "", 0, "haul"},
	{"parcel-sorting", allYear, []string{"快递分拨夜班分拣"}, []string{"扫描、分拣、集包，夜班。"}, 6, 20, 8, "", 0, "haul"},
	{"cleaning", allYear, []string{"园区日常保洁", "学校保洁"}, []string{"楼道、卫生间、室外分段保洁。"}, 3, 10, 8, "", 0, "haul"},
	{"kitchen-help", allYear, []string{"食堂帮厨"}, []string{"洗切配菜、打饭、清洗餐具。"}, 3, 8, 8, "", 0, "haul"},
}

// inSeason lists the works of a month.
func inSeason(m time.Month) []work {
	return slices.DeleteFunc(slices.Clone(works), func(w work) bool { return w.months[m-1] == '.' })
}

// tradesBeside gives a team's trades: one, and up to three more of its group.
func (w work) tradesBeside(r *rand.Rand) []string {
	out := []string{w.trade}
	for _, i := range r.Perm(len(works)) {
		if o := works[i]; o.group == w.group && o.trade != w.trade && len(out) < 1+r.IntN(4) {
			out = append(out, o.trade)
		}
	}
	return out
}

// tradeOf gives a trade that is in the list.
func tradeOf(code string) market.Trade {
	t, ok := market.TradeByCode(code)
	if !ok {
		panic("demo: no trade " + code) // a defect of the list above
	}
	return t
}

// pay draws a pay from the trade's example range, in its own unit.
func (w work) pay(r *rand.Rand, people, days int) market.Pay {
	t := tradeOf(w.trade)
	day := t.ExampleDayLowFen + r.Int64N(t.ExampleDayHighFen-t.ExampleDayLowFen+1)
	day = (day + 250) / 500 * 500 // to 5 yuan
	switch t.PayUnit {
	case market.PerHour:
		return market.Pay{Amount: market.Fen(day / int64(w.hours) / 50 * 50), Unit: market.PerHour}
	case market.PerItem:
		return market.Pay{Amount: market.Fen(max(1, day/int64(w.aDay))), Unit: market.PerItem}
	case market.LumpSum:
		return market.Pay{Amount: market.Fen(day * int64(people*days)), Unit: market.LumpSum}
	case market.PerDay:
	}
	return market.Pay{Amount: market.Fen(day), Unit: market.PerDay}
}

// says writes the duties of a post.
func (w work) says(r *rand.Rand) string {
	s := pick(r, w.duties)
	if w.piece != "" {
		s += fmt.Sprintf("计件：以%s计，熟练工一天约%d%s。", w.piece, w.aDay, w.piece)
	}
	return s
}

// asks writes the requirements of a post.
func (w work) asks() string {
	if list := tradeOf(w.trade).Requirements; len(list) > 0 {
		return strings.Join(list, "；")
	}
	return "无"
}
