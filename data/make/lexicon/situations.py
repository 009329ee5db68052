"""What people tell a shop, by intent and split: whole clauses, the intent often only implied."""

from __future__ import annotations

SITUATIONS: dict[str, dict[str, str]] = {
    "track_parcel": {
        "train": """
            {I} would like to know where {my} parcel is / {I} want{s} to follow the {item} on
            its way / {I} need{s} the number to track {my} parcel / {I} cannot see how far {my}
            order has come / {I} {am} curious which town the {item} has reached / {I} would like
            to know if the {item} has been sent yet / {I} wonder{s} which day the driver will
            bring the {item} / {I} {have} no idea if the {item} is on the road""",
        "test": """
            {I} wonder{s} whether the van with {my} {item} is near / {I} would like to see on
            the map where the {item} is now / {I} wonder{s} if the {item} has left the store
            house / {I} must be at home when it comes and {do} not know the day / {I} {have}
            heard nothing since the {item} set out and would like to know where it is / the link
            for following the {item} shows {me} nothing""",
        "both": "{I} want{s} to know how far the {item} has come",
    },
    "late_delivery": {
        "train": """
            {my} parcel is late / the {item} should have been here last week / the day that was
            promised has passed and no {item} has come / {I} {have} waited three weeks for the
            {item} / the delivery is ten days behind / the {item} still has not come and the
            time is long over / the driver did not come on the day agreed / {my} order is
            overdue""",
        "test": """
            {I} {have} been looking out of the window for the {item} for a month / the birthday
            is over and the {item} for it never turned up / winter will be over before the
            {item} gets here / two days was the promise and now it is two weeks / {I} {am} tired
            of waiting for the {item} / everyone else had theirs long ago and {I} {am} still
            without {my} {item}""",
        "both": "the {item} was due on Monday and has not come",
    },
    "cancel_order": {
        "train": """
            {I} want{s} to cancel {my} order / please stop the order for the {item} / {I} {do}
            not want the {item} any more and it has not been sent / {I} ordered the {item} by
            mistake / please take {my} order off the list / {I} {have} decided not to buy the
            {item} / please do not send the {item} that was ordered this morning / the order for
            the {item} should be called off""",
        "test": """
            {I} changed {my} mind about the {item} an hour after ordering it / {my} aunt gave
            {me} {an_item} today so the one on order need not be packed / please forget the
            {item} that {I} asked for / {my} little son pressed the button and bought {an_item}
            / {I} found the same {item} at home so leave this one on the shelf / it would be
            best if the {item} never left {the_shop}""",
        "both": "{I} no longer need{s} the {item} that is on order",
    },
    "change_address": {
        "train": """
            {I} want{s} to change {my} address / {I} gave the wrong street for the delivery /
            please send the {item} to a different house / the house number on {my} order is
            wrong / {I} {have} moved to another town / the parcel should go to {my} office and
            not to {my} home / {I} typed the name of the road wrongly / please bring the {item}
            to {my} new address""",
        "test": """
            {I} live{s} by the mill now and no longer by the bridge / {I} moved house last week
            and the {item} is on its way to the old one / please leave the {item} at {my}
            sister's cottage instead / {I} will be staying with {my} parents when the {item}
            comes / the label has the door of {my} old flat on it / somebody else lives where
            the {item} is going""",
        "both": "the {item} must go to another place than the one {I} wrote",
    },
    "refund": {
        "train": """
            {I} want{s} {my} money back / {I} sent the {item} back and wait{s} for the refund /
            when will the money for the returned {item} be paid back? / {I} would like a refund
            for the {item} / {I} returned the {item} and nothing has been paid to {me} / please
            pay back what {I} gave for the {item} / the {item} is back at {the_shop} but the
            refund is not here / {I} {am} not happy with the {item} and ask{s} for a refund""",
        "test": """
            the {item} went back a month ago and {I} {have} not seen a penny / {I} would like to
            return the {item} and get back what it cost / {shop} {has} the {item} again and {my}
            cash as well / {shop} still owe{z} {me} for the {item} that {I} brought back / {I}
            gave the {item} back and {my} purse is still empty / the sum for the return has not
            reached {my} bank""",
        "both": "{I} would like what {I} paid for the {item} to be given back",
    },
    "exchange_size": {
        "train": """
            {I} need{s} the coat in a larger size / the shoes are too small for {me} / {I}
            want{s} to swap the jacket for a smaller one / the boots are the wrong size for {me}
            / {I} should have taken one size up / the gloves are too big and {I} want{s} to
            exchange them / the trousers are too long for {me} / please send the shirt in medium
            instead of large""",
        "test": """
            {I} cannot get {my} feet into the boots / the sleeves hang down over {my} hands /
            {my} toes hurt in these shoes / the coat will not button over {my} belly / two
            people would fit into this jacket / the hat falls over {my} eyes""",
        "both": "the jacket is too tight for {me}",
    },
    "broken_item": {
        "train": """
            the {item} arrived broken / the {item} does not work / there is a crack in the
            {item} straight out of the box / the {item} was damaged on the way / {I} opened the
            parcel and the {item} was in pieces / the new {item} has a big dent / the {item} was
            already faulty when it came / the {item} was smashed when {I} unpacked it""",
        "test": """
            nothing happens when {I} {try} the new {item} out / the parcel rattled and now {I}
            know{s} why / the {item} fell apart as {I} lifted it from the box / the carrier must
            have dropped the box since the {item} is bent / the {item} came with a hole in its
            side / {I} cut {my} finger on the splinters in the parcel""",
        "both": "the {item} was in a bad state when it came",
    },
    "missing_part": {
        "train": """
            a part of the {item} is missing / the screws for the {item} were not in the box /
            {I} got the {item} without its cover / there is no handle with the {item} / the
            {item} came without instructions / one piece is lacking and {I} cannot put it
            together / the box was not complete / {I} counted the parts and there is one too few""",
        "test": """
            {I} looked everywhere in the box but found no hook for the {item} / the booklet
            shows six bolts and {I} {have} five / somebody forgot to pack the little bag with
            the fixings for the {item} / the {item} is fine but the bag that belongs to it was
            left out / {I} cannot finish the {item} as there is a gap where a peg should be /
            only half of what belongs to the {item} was in the parcel""",
        "both": "something that belongs to the {item} was not in the box",
    },
    "wrong_item": {
        "train": """
            {I} got the wrong thing / {I} ordered {an_item} and got {an_other} / the {item} is
            not the one {I} chose / {shop} sent {an_other} instead of {an_item} / {I} asked for
            blue and got green / this is not what {I} ordered / the wrong {item} was in the box
            / the parcel held a different thing from the order""",
        "test": """
            {I} opened the box for {my} {item} and there lay {an_other} / what would {I} do with
            {an_other} when {I} wanted {an_item}? / {my} {item} must have gone to somebody else
            since {I} {have} {an_other} / the picture showed a red {item} and this one is yellow
            / {shop} seem{z} to have mixed up two parcels / {I} never asked for {an_other} but
            here it is""",
        "both": """
            a mistake was made in packing and {I} {have} {an_other} in place of {my} {item}""",
    },
    "invoice": {
        "train": """
            {I} need{s} an invoice for the {item} / please send {me} the receipt / there was no
            bill in the parcel / {I} need{s} a copy of the bill for {my} order / {I} lost the
            receipt for the {item} / the name on the invoice is spelled wrongly / please print a
            new bill for the {item} / the invoice should be made out to {my} firm""",
        "test": """
            the tax office asks {me} for a paper about the {item} / {my} boss will pay for the
            {item} only if he sees a slip / {I} {have} to show on paper what the {item} cost /
            {my} book-keeper needs proof that {I} bought the {item} / {I} would like something
            in writing with the sum on it / {I} threw away the little slip from the till""",
        "both": "{I} need{s} a paper that says what {I} paid",
    },
    "payment_declined": {
        "train": """
            {my} card was declined / the payment did not go through / {my} card was not accepted
            / {I} tried to pay three times and it failed / {shop} refused {my} card / an error
            came up when {I} tried to pay / the payment page says no to {my} card / {my} bank
            card does not work in {the_shop}""",
        "test": """
            {my} card was turned away at the till / {I} cannot get past the page where one pays
            / there is enough in the bank and still the till will not take it / {I} want{s} to
            hand over the money but it is not let through / the red cross comes up each time {I}
            put{s} in {my} card / the bank says all is well and yet the sale stops at the last
            step""",
        "both": "{I} {have} tried to pay for the {item} and cannot",
    },
    "double_charge": {
        "train": """
            {I} {was} charged twice / the money for the {item} was taken two times / {my} bank
            shows two payments for one order / {I} paid double for the {item} / the same sum
            left {my} account twice / {my} card was charged a second time / there are two
            charges for one {item} / {I} bought one {item} and was billed for two""",
        "test": """
            the price of the {item} shows up on two lines of {my} bank sheet / one {item} came
            but {my} account is short by the price of a pair / {shop} reached into {my} purse
            once more / {I} pressed the button once and it was counted as two / on Monday the
            sum went out and on Tuesday it went out again / {I} {have} paid for the {item} all
            over again without wanting to""",
        "both": "more was taken for the {item} than it costs, namely the same sum again",
    },
    "login": {
        "train": """
            {I} forgot {my} password / {I} cannot log in / {my} password is not accepted / {I}
            {am} locked out of {my} account / the reset link does not work / {I} need{s} a new
            password / the login page does not know {me} / {I} want{s} to change {my} password""",
        "test": """
            the secret word that {I} always use{s} is wrong all of a sudden / {I} cannot get in
            to see {my} orders / {I} no longer remember{s} what to type under {my} name / after
            three tries the door was shut on {me} / the code for signing in never reaches {me} /
            the page asks who {I} {am} and does not believe the answer""",
        "both": "{I} cannot sign in",
    },
    "delete_account": {
        "train": """
            {I} want{s} to delete {my} account / please close {my} account / please remove all
            {my} data / {I} {do} not want to be a customer any more / {I} would like {my}
            account to be removed for good / how can {I} end {my} account? / please erase {my}
            name and address from {shops} books / {I} no longer need{s} {my} account""",
        "test": """
            {I} would like {shop} to forget that {I} {was} ever here / please wipe out all that
            {shop} know{z} about {me} / {I} will never shop here again so strike {me} off the
            list / {my} late father still has a page with {shop} and it should go / nothing
            about {me} should be kept / {I} want{s} to leave and take {my} name with {me}""",
        "both": "{I} want{s} everything about {me} to be taken out of the books",
    },
    "opening_hours": {
        "train": """
            {I} would like to know when the shop opens / is the shop open on Sunday? / {I}
            want{s} to know how late the shop is open / {I} need{s} the opening hours / {I}
            wonder{s} if the shop is closed at noon / when does the shop close today? / are
            there people in the shop on Saturday? / {I} would like to know the hours for the
            holidays""",
        "test": """
            {I} can only come after work and hope{s} somebody is still there / {I} stood before
            a locked door at eight this morning / {I} wonder{s} how early {I} may knock / {I}
            {have} the evening free and would like to look in / it is a long way to the shop and
            {I} {do} not want to find it dark / does anybody serve on feast days?""",
        "both": "{I} want{s} to visit the shop and wonder{s} at what time",
    },
    "warranty": {
        "train": """
            the {item} broke after six months and {I} ask{s} about the warranty / is the {item}
            still under guarantee? / {I} would like to know how long the warranty lasts / the
            {item} stopped working in its first year / {I} want{s} to use the guarantee on the
            {item} / {I} need{s} the {item} repaired under warranty / the two years of guarantee
            are not over and the {item} has failed / does the warranty cover the {item}?""",
        "test": """
            {I} {have} had the {item} since spring and now it has given up / the {item} served
            {me} well for a year and then died / will {shop} mend the {item} for nothing as it
            is not old? / {I} {was} told the {item} would last ten years and it lasted one / who
            pays for the repair of the {item} {I} bought last summer? / the {item} is worn out
            much too soon""",
        "both": "the {item} failed long before it should have",
    },
}
