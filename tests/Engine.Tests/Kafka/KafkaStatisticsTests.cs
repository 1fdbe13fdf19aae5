using Matih.Kafka;

namespace Matih.Engine.Tests.Kafka;

public sealed class KafkaStatisticsTests
{
    [Fact]
    public void Lag_counts_to_the_last_stable_offset_of_partitions_being_read()
    {
        var statistics = KafkaStatistics.Parse("""
            {"name":"n","rx_bytes":1000,"rxmsgs":30,"brokers":{"b":{"toppars":{"t-0":{"topic":"t"}}}},
             "topics":{"t":{"topic":"t","batchsize":{"min":0},"partitions":{
               "1":{"partition":1,"fetch_state":"active","fetchq_cnt":4,"rxmsgs":20,"rxbytes":200,"app_offset":15,"ls_offset":-1001,"hi_offset":20},
               "0":{"partition":0,"fetch_state":"active","fetchq_cnt":0,"rxmsgs":10,"rxbytes":100,"app_offset":5,"ls_offset":12,"hi_offset":20},
               "2":{"partition":2,"fetch_state":"active","app_offset":-1001,"ls_offset":-1001,"hi_offset":-1001},
               "3":{"partition":3,"fetch_state":"none","app_offset":1,"hi_offset":3},
               "-1":{"partition":-1,"fetch_state":"none"}}}},"cgrp":{"state":"init"},"last":1}
            """u8);

        Assert.Equal((1000, 30), (statistics.ReceivedBytes, statistics.ReceivedRecords));
        Assert.Equal([new(0, 7, 0, 10, 100), new(1, 5, 4, 20, 200), new KafkaPartitionStatistics(2, null, 0, 0, 0)], statistics.Partitions);
    }
}
