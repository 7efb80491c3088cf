package io.kontiki.chaos.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Messages on their way, in no order. */
final class Network {
  private static final int MOST = 60;

  /** One delivery in so many leaves the message behind: a duplicate. */
  private static final int DUPLICATES = 12;

  private final Model model;
  private final Random random;
  private final List<Message> underWay = new ArrayList<>();

  Network(Model model, Random random) {
    this.model = model;
    this.random = random;
  }

  void send(Message message) {
    underWay.add(message);
    if (underWay.size() > MOST) {
      underWay.remove(random.nextInt(underWay.size()));
    }
  }

  void deliverOne() {
    if (underWay.isEmpty()) {
      return;
    }
    int index = random.nextInt(underWay.size());
    Message message = underWay.get(index);
    if (random.nextInt(DUPLICATES) != 0) {
      underWay.remove(index);
    }
    deliver(message);
  }

  void loseOne() {
    if (!underWay.isEmpty() && random.nextInt(3) == 0) {
      underWay.remove(random.nextInt(underWay.size()));
    }
  }

  /** Without loss, duplicates or disorder; looks at the promises after each. */
  void deliverAll() {
    List<Message> all = List.copyOf(underWay);
    underWay.clear();
    for (Message message : all) {
      deliver(message);
      model.check();
    }
  }

  private void deliver(Message message) {
    if (message instanceof Message.Alter alter) {
      model.controller().alter(alter);
    } else if (message instanceof Message.Fetch fetch) {
      model.broker(fetch.to()).onFetch(fetch);
    } else if (message instanceof Message.Fetched fetched) {
      model.broker(fetched.to()).onFetched(fetched);
    } else if (message instanceof Message.Altered altered) {
      model.broker(altered.to()).onAltered(altered);
    }
  }
}
