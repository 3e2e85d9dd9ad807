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

They say that the lighthouse still has no light. But when the fog comes, the ships slow down, stop their engines and \
listen. That is the end of my story. It is always the same one: I am the practice server, not a language model, and I \
cannot make up another."""
