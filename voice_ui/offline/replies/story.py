"""A long reply, to watch one being written."""

STORY = """\
Once there was a lighthouse that had no light. It stood on a small grey rock, and the ships that passed it at night \
did not know that it was there.

In the lighthouse lived a woman called Marta and a parrot who had learned only one word, and the word was “listen”. \
In the morning he said it to the waves, at noon to the kettle, and in the evening to Marta, who was mending nets and \
did not listen at all.

One autumn the fog came, so thick that the gulls went on foot. It stayed for nine days. On the tenth night Marta heard \
something far out on the water: three slow strokes of a bell, and then nothing. She opened the window and held up her \
lamp, but the fog swallowed it before it reached the end of her arm.

“Listen,” said the parrot. And because there was nothing else to do, she did. She heard the bell again. She heard \
that it came from the west, where the reef is. And she heard that it was coming closer.

So Marta did what nobody had done on that rock before. She took a deep breath and sang, as loudly as she could, an old \
song about a miller and his cat. She sang all its verses, and when there were none left she made up new ones. The \
parrot helped with the only word he had.

Out on the water somebody heard a voice where no voice should be, and turned the wheel. The ship went by so close that \
Marta could hear the captain laugh about the cat.

In the morning the captain came back in a small boat, with a sack of flour, a tin of tea and a great many questions. \
He wanted to know who had sung, and why, and what had become of the miller after the seventh verse. Marta told him \
that there was no light, that there had not been one for eleven years, and that the company on the mainland answered \
her letters with other letters.

The captain thought about this while he drank his tea. Then he said that a light was a fine thing, but that in a fog \
like that one he had not seen his own hands, let alone a lamp. A voice, however, he had heard from two miles away. He \
had steered by the miller and his cat, and he would do so again.

So it was agreed. Each evening in autumn, when the fog came in, Marta sat at the open window and sang, and the ships \
that passed rang their bells in answer: one stroke for “I hear you”, two for “thank you”, and three, on Sundays, for \
“again, please”. The parrot learned to tell the ships by their bells. He never learned a second word, but he learned \
forty ways of saying the first.

Years later a letter came from the company. It said that a new lamp, of the most modern kind, would be delivered in \
spring. Marta read it twice, folded it into a small boat, and gave it to the parrot, who looked at it for a long time \
and then said, quite softly, “listen”. Outside, somewhere in the grey, a bell was asking for the seventh verse.

They say that the lighthouse still has no light. But when the fog comes, the ships slow down, stop their engines and \
listen. That is the end of my story. It is always the same one: I am the practice server, not a language model, and I \
cannot make up another."""
