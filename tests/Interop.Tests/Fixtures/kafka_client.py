"""An independent Kafka client for the tests: one JSON request a line on stdin, one JSON answer a line on stdout.

Requests run side by side; the answer repeats the request's "call" number. Bytes are base64, null is Kafka's null.
"""
import base64
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourcePatternType, ResourceType)

BOOTSTRAP = sys.argv[1]
TIMEOUT = 60
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
transactional = {}
plain = {}
write_lock = threading.Lock()
plain_lock = threading.Lock()


def unpack(text):
    return None if text is None else base64.b64decode(text)


def pack(data):
    return None if data is None else base64.b64encode(data).decode()


def wait_all(futures):
    for future in futures.values():
        future.result(TIMEOUT)


def until(condition, what):
    """The broker answers create and delete before its metadata shows them."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


def partition_count(topic):
    found = admin.list_topics(topic=topic, timeout=TIMEOUT).topics[topic] if topic in topics() else None
    return 0 if found is None or found.error else len(found.partitions)


def topics():
    return admin.list_topics(timeout=TIMEOUT).topics


NOT_YET = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION,
           KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH)


def is_led(topic, partitions):
    """Whether the leader of every partition is at work, which the metadata shows before it is so.

    An idempotent producer that is early loses its first record without an error: the leader refuses that batch, takes the next
    one as its first, and then takes the first one for a duplicate.
    """
    if partition_count(topic) != partitions:
        return False
    answers = admin.list_offsets({TopicPartition(topic, p): OffsetSpec.latest() for p in range(partitions)}, request_timeout=TIMEOUT)
    try:
        wait_all(answers)
        return True
    except KafkaException as failure:
        if failure.args[0].retriable() or failure.args[0].code() in NOT_YET:
            return False
        raise


def create_topic(r):
    wait_all(admin.create_topics([NewTopic(r["topic"], r["partitions"], 1, config=r["configs"])], operation_timeout=TIMEOUT))
    until(lambda: is_led(r["topic"], r["partitions"]), "the topic does not show")


def delete_topic(r):
    wait_all(admin.delete_topics([r["topic"]], operation_timeout=TIMEOUT))
    until(lambda: r["topic"] not in topics(), "the topic does not go")


def add_partitions(r):
    wait_all(admin.create_partitions([NewPartitions(r["topic"], r["partitions"])], operation_timeout=TIMEOUT))
    until(lambda: is_led(r["topic"], r["partitions"]), "the partitions do not show")


def alter_topic(r):
    entries = [ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in r["configs"].items()]
    wait_all(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, r["topic"], incremental_configs=entries)]))


def topic_id(r):
    described = admin.describe_topics(TopicCollection([r["topic"]]))[r["topic"]].result(TIMEOUT)
    return str(described.topic_id)


def topic_names(r):
    return list(topics())


def add_acl(r):
    binding = AclBinding(
        ResourceType[r["resource"]], r["name"], ResourcePatternType.LITERAL, r["principal"], "*", AclOperation[r["right"]],
        AclPermissionType.ALLOW if r["allow"] else AclPermissionType.DENY)
    wait_all(admin.create_acls([binding]))


def remove_acl(r):
    rule = AclBindingFilter(
        ResourceType[r["resource"]], r["name"], ResourcePatternType.LITERAL, r["principal"], "*", AclOperation[r["right"]], AclPermissionType.ALLOW)
    for future in admin.delete_acls([rule]).values():
        if len(future.result(TIMEOUT)) != 1:
            raise ValueError(f"expected one rule to remove: {rule}")


def cluster_id(r):
    return admin.list_topics(timeout=TIMEOUT).cluster_id


def delete_records(r):
    wait_all(admin.delete_records([TopicPartition(r["topic"], r["partition"], r["offset"])], operation_timeout=TIMEOUT))


def offsets(r):
    partitions = range(partition_count(r["topic"]))

    def ask(spec):
        answers = admin.list_offsets({TopicPartition(r["topic"], p): spec for p in partitions})
        return {tp.partition: future.result(TIMEOUT).offset for tp, future in answers.items()}

    first, end = ask(OffsetSpec.earliest()), ask(OffsetSpec.latest())
    return [[p, first[p], end[p]] for p in partitions]


def plain_producer(compression):
    with plain_lock:
        if compression not in plain:
            plain[compression] = Producer({
                "bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "compression.type": compression, "linger.ms": 1,
                "message.max.bytes": 67108864, "queue.buffering.max.messages": 1000000, "queue.buffering.max.kbytes": 1048576})
        return plain[compression]


def send(producer, topic, records):
    """records: (partition, key, value, timestamp or None, headers); returns when all are delivered."""
    failures = []
    left = threading.Semaphore(0)
    count = 0

    def delivered(error, message):
        if error is not None:
            failures.append(str(error))
        left.release()

    for partition, key, value, timestamp, headers in records:
        options = {} if timestamp is None else {"timestamp": timestamp}
        if headers:
            options["headers"] = headers
        while True:
            try:
                producer.produce(topic, value=value, key=key, partition=partition, on_delivery=delivered, **options)
                break
            except BufferError:
                producer.poll(0.05)
        count += 1
        if count % 1000 == 0:
            producer.poll(0)
    # Several requests may share the producer: whoever polls serves all callbacks.
    for _ in range(count):
        end = time.monotonic() + TIMEOUT
        while not left.acquire(blocking=False):
            producer.poll(0.01)
            if time.monotonic() > end:
                raise TimeoutError("records were not delivered")
    if failures:
        raise RuntimeError(failures[0])
    return count


def decode(records):
    for partition, key, value, timestamp, headers in records:
        yield partition, unpack(key), unpack(value), timestamp, [(name, unpack(data)) for name, data in headers]


def produce(r):
    return send(plain_producer(r["compression"]), r["topic"], decode(r["records"]))


def produce_file(r):
    def lines():
        with open(r["path"], "rb") as file:
            for i, line in enumerate(file):
                yield i % r["partitions"], None, line.rstrip(b"\n"), None, None

    return send(plain_producer(r["compression"]), r["topic"], lines())


def begin(r):
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": r["id"], "linger.ms": 1})
    producer.init_transactions(TIMEOUT)
    producer.begin_transaction()
    transactional[r["id"]] = producer


def begin_again(r):
    transactional[r["id"]].begin_transaction()


def produce_transactional(r):
    return send(transactional[r["id"]], r["topic"], decode(r["records"]))


def commit(r):
    transactional[r["id"]].commit_transaction(TIMEOUT)


def abort(r):
    transactional[r["id"]].abort_transaction(TIMEOUT)


def consume(r):
    consumer = Consumer({
        "bootstrap.servers": BOOTSTRAP, "group.id": "matih-test-reader", "enable.auto.commit": False, "enable.partition.eof": True,
        "auto.offset.reset": "earliest", "isolation.level": "read_uncommitted" if r["uncommitted"] else "read_committed"})
    partitions = partition_count(r["topic"])
    consumer.assign([TopicPartition(r["topic"], p, 0) for p in range(partitions)])
    found, ended = [], set()
    end = time.monotonic() + TIMEOUT
    while len(ended) < partitions:
        if time.monotonic() > end:
            raise TimeoutError(f"{r['topic']} was not read to its end")
        for message in consumer.consume(10000, 0.1):
            if message.error() is None:
                found.append(message)
            elif message.error().name() == "_PARTITION_EOF":
                ended.add(message.partition())
            else:
                raise KafkaException(message.error())
    consumer.close()
    found.sort(key=lambda m: (m.partition(), m.offset()))
    return [[m.partition(), m.offset(), pack(m.key()), pack(m.value()), m.timestamp()[1], [[n, pack(v)] for n, v in m.headers() or []]]
            for m in found]


def group_offsets(r):
    request = [ConsumerGroupTopicPartitions(r["group"])]
    answer = admin.list_consumer_group_offsets(request)[r["group"]].result(TIMEOUT)
    return [[tp.partition, tp.offset, tp.metadata] for tp in answer.topic_partitions if tp.topic == r["topic"] and tp.offset >= 0]


def describe_group(r):
    group = admin.describe_consumer_groups([r["group"]])[r["group"]].result(TIMEOUT)
    members = [[[tp.topic, tp.partition] for tp in member.assignment.topic_partitions] for member in group.members]
    return {"assignor": group.partition_assignor, "members": members}


def delete_group(r):
    wait_all(admin.delete_consumer_groups([r["group"]]))


def commit_group(r):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": r["group"], "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(r["topic"], r["partition"], r["offset"], r["metadata"])], asynchronous=False)
    consumer.close()


def serve(line):
    request = json.loads(line)
    try:
        answer = {"call": request["call"], "result": globals()[request["operation"]](request)}
    except Exception as failure:  # every failure belongs to the caller
        answer = {"call": request["call"], "error": f"{request['operation']} {request.get('topic', '')}: {failure!r}"}
    text = json.dumps(answer)
    with write_lock:
        print(text, flush=True)


with ThreadPoolExecutor(16) as pool:
    for request_line in sys.stdin:
        pool.submit(serve, request_line)
